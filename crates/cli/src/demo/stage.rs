//! Where the story is shown: scenes on a terminal, with colours only there, or one JSON object a scene.

use std::time::Duration;

use anstyle::{AnsiColor, Style};
use serde_json::{Map, Value, json};
use zhijie_services::{domain::refusal::Code, pb, wire::refusal};

use crate::table::{Table, WIDTH};

const TITLE: Style = AnsiColor::Cyan.on_default().bold();
const QUIET: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// The stage.
pub(super) struct Stage {
    json: bool,
    pace: u64,
    scenes: usize,
}

/// One scene.
#[derive(Default)]
pub(super) struct Scene {
    key: &'static str,
    zh: &'static str,
    en: &'static str,
    parts: Vec<Part>,
}

enum Part {
    Said { zh: String, en: String },
    Shown(Table),
    Refused { code: String, rule: String, field: String, zh: String, en: String },
    Checked { good: bool, zh: String, en: String },
}

impl Scene {
    pub(super) fn new(key: &'static str, zh: &'static str, en: &'static str) -> Scene {
        Scene { key, zh, en, parts: Vec::new() }
    }

    /// Says something, in both languages.
    pub(super) fn say(&mut self, zh: impl Into<String>, en: impl Into<String>) {
        self.parts.push(Part::Said { zh: zh.into(), en: en.into() });
    }

    /// Shows a table.
    pub(super) fn show(&mut self, table: Table) {
        self.parts.push(Part::Shown(table));
    }

    /// Shows a refusal.
    pub(super) fn refused(&mut self, refused: &pb::Refusal) {
        let code = refusal::code(refused.code).map_or("E???", Code::as_str).to_owned();
        let pb::Refusal { rule, field, zh, en, .. } = refused.clone();
        self.parts.push(Part::Refused { code, rule, field, zh, en });
    }

    /// States the result of a check.
    pub(super) fn check(&mut self, good: bool, zh: impl Into<String>, en: impl Into<String>) {
        self.parts.push(Part::Checked { good, zh: zh.into(), en: en.into() });
    }
}

impl Stage {
    pub(super) fn new(json: bool, pace: u64) -> Stage {
        Stage { json, pace, scenes: 0 }
    }

    /// Plays a scene.
    pub(super) async fn play(&mut self, scene: Scene) {
        self.scenes += 1;
        if self.json {
            anstream::println!("{}", self.machine(&scene));
        } else {
            self.people(&scene);
        }
        tokio::time::sleep(Duration::from_secs(self.pace)).await;
    }

    fn people(&self, scene: &Scene) {
        let title = format!("{:>2}  {} · {}", self.scenes, scene.zh, scene.en);
        anstream::println!("\n{TITLE}{title}{TITLE:#}\n{QUIET}{}{QUIET:#}", "─".repeat(usize::from(WIDTH)));
        for part in &scene.parts {
            match part {
                Part::Said { zh, en } => anstream::println!("{}\n{QUIET}{}{QUIET:#}", wrapped(zh, ""), wrapped(en, "")),
                Part::Shown(table) => anstream::println!("{}", table.shown()),
                Part::Refused { code, rule, field, zh, en } => {
                    anstream::println!("{BAD}✗ {code}{BAD:#} {zh}\n{}", wrapped(en, "  "));
                    let cause = format!("rule: {rule} · field: {field}");
                    anstream::println!("{QUIET}{}{QUIET:#}", wrapped(&cause, "  "));
                }
                Part::Checked { good, zh, en } => {
                    let (style, mark) = if *good { (GOOD, "✓") } else { (BAD, "✗") };
                    anstream::println!("{style}{mark}{style:#} {zh}\n{QUIET}{}{QUIET:#}", wrapped(en, "  "));
                }
            }
        }
    }

    fn machine(&self, scene: &Scene) -> Value {
        let mut object = Map::new();
        object.insert("scene".into(), json!(self.scenes));
        object.insert("key".into(), json!(scene.key));
        object.insert("title".into(), json!({ "zh": scene.zh, "en": scene.en }));
        let (mut said, mut refused, mut checks) = (Vec::new(), Vec::new(), Vec::new());
        for part in &scene.parts {
            match part {
                Part::Said { zh, en } => said.push(json!({ "zh": zh, "en": en })),
                Part::Shown(table) => {
                    object.insert(table.key.into(), table.json());
                }
                Part::Refused { code, rule, field, zh, en } => {
                    refused.push(json!({ "code": code, "rule": rule, "field": field, "zh": zh, "en": en }));
                }
                Part::Checked { good, zh, en } => checks.push(json!({ "good": good, "zh": zh, "en": en })),
            }
        }
        for (key, values) in [("said", said), ("refused", refused), ("checks", checks)] {
            if !values.is_empty() {
                object.insert(key.into(), Value::Array(values));
            }
        }
        Value::Object(object)
    }
}

/// A sentence within the width of the stage.
fn wrapped(text: &str, indent: &str) -> String {
    // A date or a number is not broken at its hyphens.
    let options = textwrap::Options::new(usize::from(WIDTH))
        .word_splitter(textwrap::WordSplitter::NoHyphenation)
        .initial_indent(indent)
        .subsequent_indent(indent);
    textwrap::fill(text, options)
}
