//! Records of stores, as `zhijie check` reads them.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| zhijie_tests::hostile::records(data));
