//! What the tests share.

#![allow(dead_code, reason = "each test file uses a part")]

use std::path::{Path, PathBuf};

use ringfence_mojom::Config;
use ringfence_mojom::model::Model;
use ringfence_wire::{Datagram, Side};
use serde_json::Value as Json;

/// The folder of a set of interfaces: empty for the newest ones.
pub fn interfaces(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../interfaces").join(folder)
}

/// The model of some files of that folder.
pub fn check(folder: &str, files: &[&str]) -> Model {
    let folder = interfaces(folder);
    let paths: Vec<_> = files.iter().map(|file| folder.join(file)).collect();
    let model = Config::new().include(&folder).check(&paths);
    model.unwrap_or_else(|errors| panic!("{files:?}: {errors}")).model
}

/// The lines of a file of golden bytes.
pub fn golden(file: &str) -> Vec<Json> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The datagrams of a recorded session.
pub fn recording(file: &str) -> Vec<(Side, Datagram)> {
    let datagram = |line: Json| {
        let side = serde_json::from_value(line["from"].clone()).unwrap();
        (side, Datagram { bytes: from_hex(&line["bytes"]), fds: line["fds"].as_u64().unwrap() as usize })
    };
    golden(file).into_iter().map(datagram).collect()
}

pub fn from_hex(hex: &Json) -> Vec<u8> {
    let digits = hex.as_str().unwrap().as_bytes();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The seed of a test's random choices, printed so that a failure can be repeated with `RINGFENCE_TEST_SEED`.
pub fn seed() -> u64 {
    let given = std::env::var("RINGFENCE_TEST_SEED").ok();
    let seed = given.map_or(0x51ED_2026, |text| text.parse().expect("RINGFENCE_TEST_SEED is a number"));
    eprintln!("seed: RINGFENCE_TEST_SEED={seed}");
    seed
}

/// Numbers at random.
pub fn random(seed: u64) -> impl FnMut() -> u64 {
    use rand::{Rng, SeedableRng};
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    move || random.next_u64()
}

/// Ends the process if the test takes longer than anybody would wait for it.
pub fn watchdog() {
    std::thread::spawn(|| {
        std::thread::sleep(std::time::Duration::from_secs(120));
        eprintln!("the test still runs after two minutes");
        std::process::abort();
    });
}
