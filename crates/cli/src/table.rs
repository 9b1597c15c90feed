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
    Money(Fen),
    Count(i64),
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
            Cell::Text(text) => comfy_table::Cell::new(text),
            Cell::Money(fen) => right(fen.to_string()),
            Cell::Count(count) => right(count.to_string()),
        }
    }

    fn json(&self) -> Value {
        match self {
            Cell::Text(text) => json!(text),
            Cell::Money(fen) => json!(fen.0),
            Cell::Count(count) => json!(count),
        }
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
        let number = |index: usize| self.rows.iter().any(|row| !matches!(row.get(index), Some(Cell::Text(_)) | None));
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
            let pairs = self.columns.iter().zip(cells).map(|((key, _, _), cell)| ((*key).to_owned(), cell.json()));
            Value::Object(pairs.collect::<Map<_, _>>())
        };
        Value::Array(self.rows.iter().map(row).collect())
    }
}
