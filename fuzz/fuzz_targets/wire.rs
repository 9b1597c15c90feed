//! Documents of the wire.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| zhijie_tests::hostile::wire(data));
