//! Services of a cluster, over gRPC.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| zhijie_tests::hostile::services(data));
