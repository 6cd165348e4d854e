//! What is measured on.

use std::fs;
use std::path::Path;

use ringfence::bench::{Place, allowed_processors};

/// The machine, and where both sides of a measurement run on it.
pub struct Machine {
    pub processors: usize,
    pub model: String,
    /// `None` if the machine does not tell.
    pub is_virtual: Option<bool>,
    pub place: Place,
}

impl Machine {
    pub fn look(unpinned: bool) -> Self {
        let place = match Place::choose() {
            Place::Pinned { .. } if unpinned => Place::Free,
            place => place,
        };
        let root = Path::new("/");
        let model = cpu_field(root, "model name").or_else(|| cpu_field(root, "Model"));
        let model = model.or_else(|| read(root, "proc/device-tree/model"));
        Self {
            processors: allowed_processors().len().max(1),
            model: model.unwrap_or_else(|| "unknown processor".into()),
            is_virtual: is_virtual(root),
            place,
        }
    }

    /// One line.
    pub fn text(&self) -> String {
        let place = match self.place {
            Place::Pinned { host, module } => format!("host on processor {host}, worker on {module}"),
            Place::Free => "not pinned".to_owned(),
            Place::Shared => "host and worker on the same".to_owned(),
        };
        let kind = match self.is_virtual {
            Some(true) => "a virtual machine: wake-ups are slow and noisy",
            Some(false) => "no virtual machine",
            None => "unknown whether a virtual machine",
        };
        format!("{} × {}; {kind}; {place}", self.processors, self.model)
    }

    /// What the figures suffer from, to be said before anybody waits for them.
    pub fn warning(&self) -> Option<&'static str> {
        (self.place == Place::Shared).then_some(
            "WARNING: host and worker share one processor, so neither can look while the other works: every policy \
             blocks, and what can only spin is left out",
        )
    }
}

/// A field of the first processor.
fn cpu_field(root: &Path, name: &str) -> Option<String> {
    let info = fs::read_to_string(root.join("proc/cpuinfo")).ok()?;
    let mut fields = info.lines().filter_map(|line| line.split_once(':'));
    fields.find(|(field, _)| field.trim() == name).map(|(_, value)| value.trim().to_owned())
}

/// A file's text without what ends it; `None` if it is empty, too. Properties of a device tree end in a zero byte, and
/// lists of them have one between two.
fn read(root: &Path, path: &str) -> Option<String> {
    let bytes = fs::read(root.join(path)).ok()?;
    let text = String::from_utf8_lossy(&bytes).replace('\0', " ").trim().to_owned();
    (!text.is_empty()).then_some(text)
}

/// Whether the system under `root` runs in a virtual machine; `None` if it does not tell.
fn is_virtual(root: &Path) -> Option<bool> {
    // x86 has a bit that every hypervisor sets, and no hardware does.
    if let Some(flags) = cpu_field(root, "flags") {
        return Some(flags.split(' ').any(|flag| flag == "hypervisor"));
    }
    // A hypervisor may present itself in the device tree or to the kernel; the machine that emulators make up has this
    // name.
    let compatible = read(root, "proc/device-tree/compatible");
    let is_made_up = compatible.as_deref().is_some_and(|names| names.contains("dummy-virt"));
    if is_made_up
        || root.join("proc/device-tree/hypervisor").exists()
        || read(root, "sys/hypervisor/type").is_some()
    {
        return Some(true);
    }
    // Firmware names the product. Clouds name theirs alike with and without a hypervisor, so those tell nothing.
    const PRODUCTS: [&str; 6] = ["KVM", "QEMU", "VMware", "VirtualBox", "Virtual Machine", "Virtualization"];
    for path in ["sys/class/dmi/id/product_name", "sys/class/dmi/id/sys_vendor"] {
        if read(root, path).is_some_and(|name| PRODUCTS.iter().any(|product| name.contains(product))) {
            return Some(true);
        }
    }
    // What is left with a device tree is a board.
    compatible.map(|_| false)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of a system that has these files.
    fn told(files: &[(&str, &str)]) -> Option<bool> {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        is_virtual(root.path())
    }

    #[test]
    fn x86_has_a_flag() {
        let info = |flags: &str| format!("model name\t: some\nflags\t\t: {flags}\n");
        assert_eq!(told(&[("proc/cpuinfo", &info("fpu hypervisor lahf_lm"))]), Some(true));
        assert_eq!(told(&[("proc/cpuinfo", &info("fpu lahf_lm"))]), Some(false));
    }

    #[test]
    fn other_processors_are_told_by_firmware() {
        let info = ("proc/cpuinfo", "Features\t: fp asimd\n");
        assert_eq!(told(&[info]), None);
        assert_eq!(told(&[info, ("proc/device-tree/compatible", "linux,dummy-virt\0")]), Some(true));
        let board = ("proc/device-tree/compatible", "raspberrypi,5-model-b\0brcm,bcm2712\0");
        assert_eq!(told(&[info, board]), Some(false));
        assert_eq!(told(&[info, board, ("proc/device-tree/hypervisor/compatible", "xen,xen\0")]), Some(true));
        assert_eq!(told(&[info, ("sys/hypervisor/type", "xen\n")]), Some(true));
        assert_eq!(told(&[info, ("sys/class/dmi/id/product_name", "QEMU Virtual Machine\n")]), Some(true));
        assert_eq!(told(&[info, ("sys/class/dmi/id/product_name", "c7g.metal\n")]), None);
    }
}
