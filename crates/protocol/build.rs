//! Generates the documents, clients and servers from proto/zhijie/v1 with protox: no protoc is needed.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message;

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from("../../proto");
    let mut files = Vec::new();
    for entry in fs::read_dir(root.join("zhijie/v1"))? {
        files.push(entry?.path());
    }
    files.sort();
    println!("cargo:rerun-if-changed={}", root.display());
    let descriptors = protox::compile(&files, [&root])?;
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("descriptors.bin"), descriptors.encode_to_vec())?;
    // What one hop passes on to the next is shared, not copied.
    let shared = [".zhijie.v1.Letter.request", ".zhijie.v1.Reply.answer", ".zhijie.v1.Intent.request"];
    let mut generator = tonic_prost_build::configure().btree_map(".");
    for field in shared {
        generator = generator.bytes(field);
    }
    // An answer is passed on by many hands; in a box it is a pointer that moves, not the settlement.
    for outcome in ["visit", "computation", "settlement", "reversal"] {
        generator = generator.boxed(format!(".zhijie.v1.Answer.outcome.{outcome}"));
    }
    generator.compile_fds(descriptors)?;
    Ok(())
}
