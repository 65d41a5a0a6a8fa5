//! See `tests/it/corpora/targets.rs`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| tmuxagent_fuzz::targets::policy_yaml(data));
