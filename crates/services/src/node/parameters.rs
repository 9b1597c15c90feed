//! Where parameters come from: the program itself, or a folder.

use std::{fs, io, path::Path, path::PathBuf};

use include_dir::{Dir, include_dir};
use zhijie_domain::parameters::{File, Parameters, Problem};

static EMBEDDED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../parameters");

/// Parameters could not be had.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file could not be read.
    #[error("{path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Files are wrong; each problem names file, line and field.
    #[error("the parameters are wrong:\n{}", .0.iter().map(|p| format!("  {p}")).collect::<Vec<_>>().join("\n"))]
    Invalid(Vec<Problem>),
}

/// The parameters the program was built with.
///
/// # Errors
/// [`LoadError::Invalid`], which the tests of the build would have shown.
pub fn embedded_parameters() -> Result<Parameters, LoadError> {
    embedded_with("", "")
}

/// The same with more text at the end of one file, such as a policy of a later day.
///
/// # Errors
/// [`LoadError::Invalid`] where the text is wrong.
pub fn embedded_with(file: &str, more: &str) -> Result<Parameters, LoadError> {
    let mut texts = Vec::new();
    collect_embedded(&EMBEDDED, &mut texts);
    texts.iter_mut().filter(|(path, _)| path == file).for_each(|(_, text)| text.push_str(more));
    parse(&texts)
}

fn collect_embedded(dir: &'static Dir<'static>, texts: &mut Vec<(String, String)>) {
    for file in dir.files() {
        let path = file.path().to_string_lossy().replace('\\', "/");
        texts.push((path, file.contents_utf8().unwrap_or_default().to_owned()));
    }
    for inner in dir.dirs() {
        collect_embedded(inner, texts);
    }
}

/// The parameters of a folder laid out as `parameters/` is.
///
/// # Errors
/// [`LoadError`] naming the file, and for wrong content line and field.
pub fn load_parameters(folder: &Path) -> Result<Parameters, LoadError> {
    let mut texts = Vec::new();
    for part in ["national", "regions"] {
        let read = |path: &Path, source| LoadError::Read { path: path.to_owned(), source };
        let dir = folder.join(part);
        for entry in fs::read_dir(&dir).map_err(|source| read(&dir, source))? {
            let path = entry.map_err(|source| read(&dir, source))?.path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                let text = fs::read_to_string(&path).map_err(|source| read(&path, source))?;
                texts.push((format!("{part}/{name}"), text));
            }
        }
    }
    parse(&texts)
}

fn parse(texts: &[(String, String)]) -> Result<Parameters, LoadError> {
    let files: Vec<File<'_>> = texts.iter().map(|(path, text)| File { path, text }).collect();
    Parameters::parse(&files).map_err(LoadError::Invalid)
}
