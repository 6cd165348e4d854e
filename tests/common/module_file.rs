//! Module files made by the C compiler, which every linker of Rust programs is: what they say of themselves is true, but they
//! refuse to serve.

use std::path::{Path, PathBuf};
use std::process::Command;

use ringfence::interfaces::vimc::INTERFACE;
use ringfence::ipc::module::{ModuleInfo, Version};

/// A module of the vimc interface.
pub fn info() -> ModuleInfo {
    ModuleInfo {
        name: "sample".into(),
        version: Version { major: 1, minor: 2, patch: 3 },
        pipeline: "vimc".into(),
        pipeline_versions: 1..=2,
        interface: INTERFACE.name.into(),
        interface_hash: INTERFACE.hash,
        protocol: ModuleInfo::PROTOCOL,
        encodings: vec![ModuleInfo::NATIVE],
        loads_until: None,
    }
}

/// Makes a module at `path`, linked with these arguments too.
pub fn build(path: &Path, info: &ModuleInfo, linked_with: &[&str]) -> PathBuf {
    let record = info.to_record().expect("it can be said");
    let bytes: Vec<_> = record.iter().map(u8::to_string).collect();
    let source = format!(
        "#include <string.h>\n\
         #define EXPORT __attribute__((visibility(\"default\")))\n\
         EXPORT const unsigned char ringfence_module_info[512] = {{{}}};\n\
         EXPORT int ringfence_module_serve(int socket, unsigned flags, char *reason, size_t bytes) {{\n\
             strncpy(reason, \"it never serves\", bytes);\n\
             return 1;\n\
         }}\n",
        bytes.join(",")
    );
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("module.c");
    std::fs::write(&file, source).expect("a file can be written");
    let mut command = Command::new("cc");
    command.args(["-shared", "-fPIC", "-O1", "-o"]).arg(path).arg(&file).args(linked_with);
    let output = command.output().expect("cc runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    path.to_owned()
}
