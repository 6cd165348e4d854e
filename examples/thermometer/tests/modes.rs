//! The program as a whole.

use std::process::Command;

#[test]
fn every_mode_measures_and_warns_alike() {
    let output = Command::new(env!("CARGO_BIN_EXE_thermometer")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let run = "  15 degrees\n  20 degrees\n  25 degrees\n  30 degrees\n  too hot: 25 degrees\n  too hot: 30 degrees\n";
    let mut modes = Vec::new();
    let mut rest = text.as_str();
    while let Some((mode, after)) = rest.split_once('\n') {
        modes.push(mode);
        rest = after.strip_prefix(run).unwrap_or_else(|| panic!("{mode} is different:\n{text}"));
    }
    assert_eq!(modes.len(), 3, "{text}");
}
