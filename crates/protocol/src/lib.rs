//! Generated code only: the documents and services of `proto/zhijie/v1`, and their descriptors for reflection.
#![allow(missing_docs, clippy::all, clippy::pedantic, clippy::disallowed_types)]

/// Version 1 of the documents and services.
pub mod v1 {
    tonic::include_proto!("zhijie.v1");
}

/// The encoded descriptor set of everything in [`v1`].
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
