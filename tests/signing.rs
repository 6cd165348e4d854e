//! `ringfence keygen`, `sign`, `verify` and `modules`, through the command line: from a pair of keys to the mode that a module gets.

mod common;
#[path = "common/module_file.rs"]
mod module_file;

use std::fs;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use common::{Host, Outcome, watchdog};
use module_file::{build, info};
use ringfence::ipc::module::ModuleFile;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use serde_json::Value;
use tempfile::TempDir;

/// A folder with a pair of keys, `vendor.key` and `vendor.pub`, of which the public one is in `keys`, and modules.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        place.run(&["keygen", "--out", "vendor"]).expect(0);
        fs::create_dir(place.path("keys")).unwrap();
        fs::create_dir(place.path("modules")).unwrap();
        fs::copy(place.path("vendor.pub"), place.path("keys/vendor.pub")).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The command line, told that words with a slash or a dot are paths here.
    fn host(&self, args: &[&str]) -> Host {
        let here = |word: &&str| match *word {
            word if word.contains(['/', '.']) || ["vendor", "keys", "modules"].contains(&word) => {
                self.path(word).into_os_string()
            }
            word => word.into(),
        };
        let command = args[0].into();
        Host::new(std::iter::once(command).chain(args[1..].iter().map(here))).env("RINGFENCE_MODULE_PATH", "")
    }

    fn run(&self, args: &[&str]) -> Outcome {
        self.host(args).run()
    }

    /// What it prints as one JSON object.
    #[track_caller]
    fn json(&self, args: &[&str]) -> Value {
        let outcome = self.run(&[args, &["--json"]].concat()).expect(0);
        let mut objects = outcome.objects();
        assert_eq!(objects.len(), 1, "{}", outcome.stdout);
        objects.pop().unwrap()
    }

    /// What is said of the only module.
    #[track_caller]
    fn module(&self, args: &[&str]) -> Value {
        let mut found = self.json(&[&["modules", "--path", "modules"], args].concat());
        assert_eq!(found["modules"].as_array().unwrap().len(), 1, "{found}");
        found["modules"][0].take()
    }
}

/// One line on standard error, nothing on standard output, and exit code 2.
#[track_caller]
fn refused(outcome: Outcome, words: &[&str]) {
    let outcome = outcome.expect(2);
    assert_eq!(outcome.stdout, "");
    let lines: Vec<_> = outcome.stderr.lines().collect();
    let [line] = lines[..] else { panic!("{}", outcome.stderr) };
    assert!(line.starts_with("error: "), "{line}");
    for word in words {
        assert!(line.contains(word), "{word:?} is missing in: {line}");
    }
}

#[test]
fn a_pair_of_keys_is_made_and_never_overwritten() {
    watchdog(|| {
        let place = Place::new();
        let mode = |name: &str| fs::metadata(place.path(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("vendor.key"), mode("vendor.pub") & 0o133), (0o600, 0));
        let before = fs::read(place.path("vendor.key")).unwrap();
        refused(place.run(&["keygen", "--out", "vendor"]), &["vendor.key exists", "ever overwritten"]);
        fs::remove_file(place.path("vendor.key")).unwrap();
        refused(place.run(&["keygen", "--out", "vendor"]), &["vendor.pub exists"]);
        assert!(!place.path("vendor.key").exists());
        assert!(!before.is_empty());

        let made = place.json(&["keygen", "--out", "./other"]);
        assert_eq!(made["id"].as_str().unwrap().len(), 16, "{made}");
        assert!(made["key"].as_str().unwrap().ends_with("other.key"), "{made}");
        let outcome = place.run(&["keygen", "--out", "no/such/folder"]).expect(1);
        assert!(
            outcome.stderr.starts_with("error: ") && outcome.stderr.lines().count() == 1,
            "{}",
            outcome.stderr
        );
        refused(Host::new(["keygen", "--out", "/"]).run(), &["is no name for a file"]);
        // Without a name the keys are in the folder at hand.
        let outcome = Host::new(["keygen"]).run().expect(0);
        assert!(outcome.folder.path().join("ringfence.key").exists());
    });
}

#[test]
fn what_is_signed_verifies_and_what_was_changed_does_not() {
    watchdog(|| {
        let place = Place::new();
        let file = build(&place.path("modules/a.so"), &info(), &[]);
        let signed = place.json(&["sign", "modules/a.so", "--key", "vendor.key"]);
        assert_eq!(
            (&signed["signed"], &signed["module"]),
            (&true.into(), &"sample 1.2.3".into()),
            "{signed}"
        );
        assert_eq!(fs::metadata(place.path("modules/a.so.sig")).unwrap().len(), 64);
        for keys in [["--keys", "keys"], ["--key", "vendor.pub"]] {
            let verified = place.json(&["verify", "modules/a.so", keys[0], keys[1]]);
            assert_eq!((&verified["valid"], &verified["key"]), (&true.into(), &signed["key"]), "{verified}");
            let outcome = place.run(&["verify", "modules/a.so", keys[0], keys[1]]).expect(0);
            assert!(
                outcome.stdout.contains("a.so: valid: sample 1.2.3, signed by key "),
                "{}",
                outcome.stdout
            );
        }

        // Signing again is signing anew.
        place.run(&["sign", "modules/a.so", "--key", "vendor.key"]).expect(0);
        place.run(&["keygen", "--out", "./stranger"]).expect(0);
        let not_valid = |args: &[&str], word: &str| {
            let outcome = place.run(args).expect(1);
            assert!(
                outcome.stdout.contains("NOT VALID: ") && outcome.stdout.contains(word),
                "{}",
                outcome.stdout
            );
            let outcome = place.run(&[args, &["--json"]].concat()).expect(1);
            let last = outcome.objects().pop().unwrap();
            assert!(last["valid"] == false && last["reason"].as_str().unwrap().contains(word), "{last}");
        };
        not_valid(&["verify", "modules/a.so", "--key", "stranger.pub"], "no trusted key");
        let mut bytes = fs::read(&file).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&file, bytes).unwrap();
        not_valid(&["verify", "modules/a.so", "--keys", "keys"], "no trusted key");
        // One that does not hold is enough.
        build(&place.path("modules/b.so"), &info(), &[]);
        place.run(&["sign", "modules/b.so", "--key", "vendor.key"]).expect(0);
        not_valid(&["verify", "modules/b.so", "modules/a.so", "--keys", "keys"], "no trusted key");
        fs::remove_file(place.path("modules/a.so.sig")).unwrap();
        not_valid(&["verify", "modules/b.so", "modules/a.so", "--keys", "keys"], "it is not signed");
        not_valid(&["verify", "vendor.pub", "--keys", "keys"], "no ELF file");
        not_valid(&["verify", "no/such/file", "--keys", "keys"], "cannot be read");
    });
}

#[test]
fn only_modules_are_signed_and_only_with_keys_that_are_secret() {
    watchdog(|| {
        let place = Place::new();
        build(&place.path("modules/a.so"), &info(), &[]);
        fs::write(place.path("text.so"), "no module").unwrap();
        let outcome = place.run(&["sign", "text.so", "modules/a.so", "--key", "vendor.key"]).expect(1);
        assert!(
            outcome.stderr.contains("error: not signed: ") && outcome.stderr.contains("ELF"),
            "{}",
            outcome.stderr
        );
        assert!(outcome.stdout.contains("a.so.sig: signature of sample 1.2.3 by key "), "{}", outcome.stdout);
        assert!(!place.path("text.so.sig").exists() && place.path("modules/a.so.sig").exists());
        let outcome =
            place.run(&["sign", "text.so", "modules/a.so", "--key", "vendor.key", "--json"]).expect(1);
        let signed: Vec<_> = outcome.objects().iter().map(|object| object["signed"].clone()).collect();
        assert_eq!(signed, [false, true]);

        fs::set_permissions(place.path("vendor.key"), PermissionsExt::from_mode(0o640)).unwrap();
        refused(
            place.run(&["sign", "modules/a.so", "--key", "vendor.key"]),
            &["others can read", "chmod 600"],
        );
        refused(place.run(&["sign", "modules/a.so", "--key", "no.key"]), &["no.key", "cannot be read"]);
        fs::set_permissions(place.path("vendor.pub"), PermissionsExt::from_mode(0o600)).unwrap();
        refused(place.run(&["sign", "modules/a.so", "--key", "vendor.pub"]), &["is no private ed25519 key"]);
    });
}

#[test]
fn arguments_that_make_no_sense_are_refused() {
    watchdog(|| {
        let place = Place::new();
        refused(place.run(&["sign"]), &["<FILE>", "--key"]);
        refused(place.run(&["sign", "modules/a.so"]), &["--key"]);
        refused(place.run(&["verify"]), &["<FILE>"]);
        refused(
            place.run(&["verify", "a.so", "--key", "vendor.pub", "--keys", "keys"]),
            &["--key", "--keys"],
        );
        refused(place.run(&["verify", "a.so", "--keys", "modules"]), &["there are no keys in"]);
        refused(place.run(&["verify", "a.so", "--keys", "no/such/folder"]), &["cannot be read"]);
        refused(place.run(&["verify", "a.so", "--keys", "vendor.pub"]), &["is no folder"]);
        refused(place.run(&["verify", "a.so", "--key", "vendor.key"]), &["is no public ed25519 key"]);
        refused(place.run(&["modules", "--keys", "no/such/folder"]), &["cannot be read"]);
        refused(place.run(&["modules", "--path"]), &["--path"]);
        refused(place.run(&["modules", "stray"]), &["stray"]);
        refused(place.run(&["keygen", "stray"]), &["stray"]);
        for keys in ["keys", "keys/vendor.pub"] {
            let mode = fs::metadata(place.path(keys)).unwrap().mode();
            fs::set_permissions(place.path(keys), PermissionsExt::from_mode(0o777)).unwrap();
            refused(place.run(&["verify", "a.so", "--keys", "keys"]), &["chmod go-w", keys]);
            refused(place.run(&["modules", "--keys", "keys"]), &["chmod go-w", keys]);
            fs::set_permissions(place.path(keys), PermissionsExt::from_mode(mode)).unwrap();
        }
    });
}

#[test]
fn modules_are_told_with_the_mode_that_they_get() {
    watchdog(|| {
        let place = Place::new();
        let file = build(&place.path("modules/a.so"), &info(), &[]);
        let module = place.module(&["--keys", "keys"]);
        for (field, value) in [
            ("path", file.to_str().unwrap()),
            ("name", "sample"),
            ("version", "1.2.3"),
            ("pipeline", "vimc"),
            ("interface", "ipa.vimc.IPAVimcInterface"),
            ("mode", "isolated"),
            ("reason", "it is not signed"),
        ] {
            assert_eq!(module[field], value, "{module}");
        }
        assert_eq!(module["signature"]["state"], "missing");
        assert_eq!(module["pipeline_versions"], serde_json::json!([1, 2]));

        place.run(&["sign", "modules/a.so", "--key", "vendor.key"]).expect(0);
        let module = place.module(&["--keys", "keys"]);
        assert_eq!((&module["mode"], &module["signature"]["state"]), (&"threaded".into(), &"valid".into()));
        let forced = place.host(&["modules", "--path", "modules", "--keys", "keys", "--json"]);
        let forced = forced.env("RINGFENCE_FORCE_ISOLATION", "1").run().expect(0).objects().pop().unwrap();
        assert_eq!(forced["modules"][0]["mode"], "isolated", "{forced}");
        assert_eq!(forced["modules"][0]["reason"], "RINGFENCE_FORCE_ISOLATION isolates all modules");

        // A run path, and a library by its path: nobody has signed what lies there.
        for (name, arguments) in [
            ("r.so", ["-Wl,-rpath,/opt/lib", "-Wl,--enable-new-dtags"]),
            ("o.so", ["-Wl,-rpath,/opt/lib", "-Wl,--disable-new-dtags"]),
        ] {
            fs::remove_dir_all(place.path("modules")).unwrap();
            fs::create_dir(place.path("modules")).unwrap();
            build(&place.path("modules").join(name), &info(), &arguments);
            place.run(&["sign", &format!("modules/{name}"), "--key", "vendor.key"]).expect(0);
            let module = place.module(&["--keys", "keys"]);
            assert_eq!(module["mode"], "isolated", "{module}");
            assert!(module["reason"].as_str().unwrap().contains("a run path"), "{module}");
        }
        let library = place.path("helper");
        build(&library, &info(), &[]);
        build(&place.path("modules/o.so"), &info(), &["-Wl,--no-as-needed", library.to_str().unwrap()]);
        place.run(&["sign", "modules/o.so", "--key", "vendor.key"]).expect(0);
        let module = place.module(&["--keys", "keys"]);
        assert!(module["reason"].as_str().unwrap().contains("a library by its path"), "{module}");
        let module = place.module(&[]);
        assert_eq!(module["mode"], "isolated", "whatever keys this machine has: {module}");
    });
}

#[test]
fn the_table_fits_a_terminal_and_tells_what_was_passed_over() {
    watchdog(|| {
        let place = Place::new();
        build(&place.path("modules/a.so"), &info(), &[]);
        place.run(&["sign", "modules/a.so", "--key", "vendor.key"]).expect(0);
        let mut changed = fs::read(build(&place.path("modules/b.so"), &info(), &[])).unwrap();
        place.run(&["sign", "modules/b.so", "--key", "vendor.key"]).expect(0);
        changed.push(0);
        fs::write(place.path("modules/b.so"), changed).unwrap();
        fs::write(place.path("modules/c.so"), "no module").unwrap();
        let outcome =
            place.run(&["modules", "--path", "modules", "--path", "no/folder", "--keys", "keys"]).expect(0);
        let text = &outcome.stdout;
        let whole = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for words in [
            "sample 1.2.3 (",
            "pipeline vimc, versions 1 to 2",
            "signature valid, by key ",
            "mode threaded: key ",
            "passed over",
            "b.so its signature is invalid: no trusted key has made it for this file",
            "c.so",
            "no/folder there is no such folder",
        ] {
            assert!(whole.contains(words), "{words:?} is missing in:\n{text}");
        }
        let long: Vec<_> = text.lines().filter(|line| line.chars().count() > 100).collect();
        assert!(long.iter().all(|line| !line.trim().contains(' ')), "{long:?}");
        let found = place.json(&["modules", "--path", "modules", "--path", "no/folder", "--keys", "keys"]);
        let skipped: Vec<_> = found["skipped"].as_array().unwrap().iter().collect();
        let ends = |end: &str| skipped.iter().any(|skipped| skipped["path"].as_str().unwrap().ends_with(end));
        assert!(["b.so", "c.so", "no/folder"].into_iter().all(ends), "{found}");
    });
}

#[test]
fn names_of_files_cannot_command_the_terminal() {
    watchdog(|| {
        let place = Place::new();
        let name = "modules/\u{1b}[2J\u{9b}1m\nvalid.so";
        build(&place.path(name), &info(), &[]);
        for args in [
            &["modules", "--path", "modules", "--keys", "keys"][..],
            &["sign", name, "--key", "vendor.key"],
            &["verify", name, "--keys", "keys"],
            &["sign", &format!("{name}.sig"), "--key", "vendor.key"],
        ] {
            let outcome = place.run(args);
            let said = outcome.stdout + &outcome.stderr;
            assert!(!said.is_empty() && !said.contains(['\u{1b}', '\u{9b}']), "{said:?}");
            assert!(!said.lines().any(|line| line.starts_with("valid.so")), "{said:?}");
        }
    });
}

/// A copy of the command line that belongs to somebody else. Started by root and with the set-user-id bit, it runs with
/// other rights than its caller's: the kernel marks it, whichever are more.
fn program_of_somebody(place: &Place) -> Option<PathBuf> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can make such a program");
        return None;
    }
    let flags = rustix::fs::statvfs(place.0.path()).unwrap().f_flag;
    if flags.contains(rustix::fs::StatVfsMountFlags::NOSUID) {
        eprintln!("skipped: the temporary folder lets no program have other rights");
        return None;
    }
    for folder in [place.0.path(), &place.path("modules")] {
        fs::set_permissions(folder, PermissionsExt::from_mode(0o755)).unwrap();
    }
    let program = place.path("program");
    // By another process: while it was open for writing here, a child that another test starts would have it open too.
    let copy = Command::new("cp").arg(env!("CARGO_BIN_EXE_ringfence")).arg(&program).status();
    assert!(copy.unwrap().success());
    rustix::fs::chown(&program, Some(rustix::fs::Uid::from_raw(65534)), None).unwrap();
    fs::set_permissions(&program, PermissionsExt::from_mode(0o4755)).unwrap();
    Some(program)
}

/// Else whoever may start it could have it load what they like.
#[test]
fn a_set_user_id_program_becomes_no_worker_of_its_caller() {
    watchdog(|| {
        let place = Place::new();
        let Some(program) = program_of_somebody(&place) else { return };
        build(&place.path("modules/a.so"), &info(), &[]);
        let module = ModuleFile::read(place.path("modules/a.so")).unwrap();
        let passed = module.as_fd();
        let become_worker = |mode: u32| {
            fs::set_permissions(&program, PermissionsExt::from_mode(mode)).unwrap();
            let (_, socket) =
                socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
            let mut command = Command::new(&program);
            command.env("RINGFENCE_COMPONENT", "sample").stdin(socket).stdout(Stdio::null());
            command.env("RINGFENCE_MODULE", passed.as_raw_fd().to_string());
            let passed = passed.as_raw_fd();
            // SAFETY: one system call with a number, which is open in the child as it is here.
            unsafe {
                command.pre_exec(move || {
                    let passed = BorrowedFd::borrow_raw(passed);
                    Ok(rustix::io::fcntl_setfd(passed, rustix::io::FdFlags::empty())?)
                });
            }
            let output = command.output().unwrap();
            (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
        };
        let (_, said) = become_worker(0o755);
        assert!(said.contains("it never serves"), "the module was loaded: {said}");
        let (code, said) = become_worker(0o4755);
        assert!(code == Some(2) && said.contains("more rights than its caller"), "{code:?}: {said}");
        assert!(!said.contains("it never serves"), "{said}");
    });
}

/// It runs the program that belongs to it, with its own rights, and not the one that its caller names.
#[test]
fn a_set_user_id_program_has_workers_of_its_own() {
    watchdog(|| {
        let place = Place::new();
        let Some(program) = program_of_somebody(&place) else { return };
        fs::create_dir(place.path("out")).unwrap();
        fs::set_permissions(place.path("out"), PermissionsExt::from_mode(0o777)).unwrap();
        let out = place.path("out/run");
        let args = ["run", "--frames", "1", "--fps", "max", "--size", "64x48", "--mode", "isolated", "--out"];
        let args = args.map(std::ffi::OsString::from).into_iter().chain([out.clone().into()]);
        Host::program(&program, args).env("RINGFENCE_WORKER", "/nowhere/worker").run().expect(0);
        assert!(out.join("first.png").is_file());
    });
}

#[test]
fn a_set_user_id_program_ignores_the_path_of_its_caller() {
    watchdog(|| {
        let place = Place::new();
        let Some(program) = program_of_somebody(&place) else { return };
        build(&place.path("modules/a.so"), &info(), &[]);
        let look = |mode: u32| {
            fs::set_permissions(&program, PermissionsExt::from_mode(mode)).unwrap();
            let host = Host::program(&program, ["modules", "--json"]);
            let outcome = host.env("RINGFENCE_MODULE_PATH", place.path("modules")).run().expect(0);
            outcome.objects().pop().unwrap()
        };
        let names = |found: &Value| {
            found["modules"].as_array().unwrap().iter().any(|module| module["name"] == "sample")
        };
        assert!(names(&look(0o755)));
        let found = look(0o4755);
        assert!(!names(&found), "{found}");
        let skipped = found["skipped"].to_string();
        assert!(skipped.contains("more rights than its caller"), "{skipped}");
    });
}
