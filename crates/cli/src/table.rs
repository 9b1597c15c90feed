//! Tables for people and for machines: one description, at most 100 columns on a terminal, or JSON with fen.

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, TableStyle};
use serde_json::{Map, Value, json};
use zhijie_services::domain::money::Fen;

/// Columns of a terminal that a table may take.
pub(crate) const WIDTH: u16 = 100;

/// Lines above, below the head, and below.
const STYLE: TableStyle = TableStyle::new()
    .top_border(LineStyle::none().fill('─').junction('─'))
    .header_separator(LineStyle::none().fill('─').junction('─'))
    .bottom_border(LineStyle::none().fill('─').junction('─'));

/// A value in a table.
#[derive(Debug, Clone)]
pub(crate) enum Cell {
    Text(String),
    /// What people read, and what machines do.
    Coded(String, Value),
    /// Several lines for people, a field each for machines; a source stands in brackets.
    Lines(Vec<(&'static str, String)>),
    Money(Fen),
    Count(i64),
    /// A number as people read it, and as machines do.
    Number(String, Value),
}

impl Cell {
    pub(crate) fn text(text: impl ToString) -> Cell {
        Cell::Text(text.to_string())
    }

    pub(crate) fn money(fen: i64) -> Cell {
        Cell::Money(Fen(fen))
    }

    fn shown(&self) -> comfy_table::Cell {
        let right = |text: String| comfy_table::Cell::new(text).set_alignment(CellAlignment::Right);
        match self {
            Cell::Text(text) | Cell::Coded(text, _) => comfy_table::Cell::new(text),
            Cell::Lines(lines) => {
                let line =
                    |(key, text): &(&str, String)| if *key == "source" { format!("[{text}]") } else { text.clone() };
                comfy_table::Cell::new(lines.iter().map(line).collect::<Vec<_>>().join("\n"))
            }
            Cell::Money(fen) => right(fen.to_string()),
            Cell::Count(count) => right(count.to_string()),
            Cell::Number(text, _) => right(text.clone()),
        }
    }

    fn fields(&self, key: &str, object: &mut Map<String, Value>) {
        let value = match self {
            Cell::Text(text) => json!(text),
            Cell::Coded(_, value) | Cell::Number(_, value) => value.clone(),
            Cell::Money(fen) => json!(fen.0),
            Cell::Count(count) => json!(count),
            Cell::Lines(lines) => {
                object.extend(lines.iter().map(|(key, text)| ((*key).to_owned(), json!(text))));
                return;
            }
        };
        object.insert(key.to_owned(), value);
    }
}

/// A column: its key for machines, its names for people.
pub(crate) type Column = (&'static str, &'static str, &'static str);

/// A table.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    /// What it is, for machines.
    pub(crate) key: &'static str,
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<Cell>>,
}

impl Table {
    pub(crate) fn new(key: &'static str, columns: &[Column]) -> Table {
        Table { key, columns: columns.to_vec(), rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The table as text.
    pub(crate) fn shown(&self) -> String {
        let mut table = comfy_table::Table::new();
        table.load_style(STYLE);
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH);
        table.set_header(self.columns.iter().map(|(_, zh, en)| format!("{zh}\n{en}")));
        for row in &self.rows {
            table.add_row(row.iter().map(Cell::shown));
        }
        // Numbers are never wrapped; text gives way.
        let is_number = |cell: &Cell| matches!(cell, Cell::Money(_) | Cell::Count(_) | Cell::Number(..));
        let number = |index: usize| self.rows.iter().any(|row| row.get(index).is_some_and(is_number));
        for (index, column) in table.column_iter_mut().enumerate() {
            if number(index) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        table.to_string()
    }

    /// The table as JSON: amounts in fen, ratios in basis points.
    pub(crate) fn json(&self) -> Value {
        let row = |cells: &Vec<Cell>| {
            let mut object = Map::new();
            for ((key, _, _), cell) in self.columns.iter().zip(cells) {
                cell.fields(key, &mut object);
            }
            Value::Object(object)
        };
        Value::Array(self.rows.iter().map(row).collect())
    }
}
