//! The rules, each of them, over files that are modules as far as anybody looks who does not run them.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use rustix::fs::{CWD, Mode as Permissions, mkfifoat};
use tempfile::TempDir;

use super::choice::Run;
use super::*;
use crate::ipc::module::file_tests::shared_object;
use crate::ipc::module::{ModuleFile, ModuleInfo, Version};
use crate::ipc::signature::{SigningKey, TrustedKeys};
use crate::ipc::{
    Backend, CallError, ConnectError, Connection, Event, Layers, Mode, Options, SandboxPolicy, Worker,
};
use crate::serialize::native::Decoder;

static INTERFACE: Interface = Interface { name: "test.Managed", hash: 0x1234, methods: &[], events: &[] };
static OTHER: Interface = Interface { name: "test.Managed", hash: 0x1235, methods: &[], events: &[] };

const REQUEST: Request<'static> = Request::new("test", 3, &INTERFACE);

#[derive(Debug)]
struct Nothing;

impl Event for Nothing {
    fn decode(event: u16, _: &mut Decoder<'_>) -> Result<Self, CallError> {
        Err(CallError::UnknownEvent { event })
    }
}

fn linked() -> Linked {
    Linked::new::<dyn Send, Nothing>(&INTERFACE, |_| Box::new(())).pipeline("test", 1..=5)
}

fn open(choice: &Choice, options: &Options) -> Result<Backend<dyn Send, Nothing, Connection>, ConnectError> {
    Backend::open(&INTERFACE, choice, options)
}

fn info() -> ModuleInfo {
    ModuleInfo {
        name: "example".into(),
        version: Version { major: 1, minor: 0, patch: 0 },
        pipeline: "test".into(),
        pipeline_versions: 2..=4,
        interface: INTERFACE.name.into(),
        interface_hash: INTERFACE.hash,
        protocol: ModuleInfo::PROTOCOL,
        encodings: vec![ModuleInfo::NATIVE],
        loads_until: None,
    }
}

/// A folder with modules, and somebody who signs them.
struct Place {
    folder: TempDir,
    key: SigningKey,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), key: SigningKey::generate().unwrap() }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    fn module(&self, name: &str, change: impl FnOnce(&mut ModuleInfo)) -> PathBuf {
        let mut info = info();
        change(&mut info);
        fs::write(self.file(name), shared_object(&info.to_record().unwrap())).unwrap();
        self.file(name)
    }

    fn sign(&self, name: &str) {
        let module = ModuleFile::read(self.file(name)).unwrap();
        self.key.sign(module.bytes(), module.record()).write_beside(module.path()).unwrap();
    }

    fn trusting(&self) -> ModulePolicy {
        ModulePolicy::new().trusted_keys(TrustedKeys::none().add_pem(&self.key.public_pem()).unwrap())
    }

    fn manager(&self, policy: ModulePolicy) -> Manager {
        manager(policy).folder(self.path())
    }
}

/// A manager that knows no folder, whatever the environment of the tests.
fn manager(policy: ModulePolicy) -> Manager {
    Manager { environment: Environment::default(), ..Manager::new(policy).only_folders() }
}

/// The names of files, and what became of them.
fn told(candidates: &[Candidate]) -> Vec<(String, Option<Mode>, &str)> {
    let name = |candidate: &Candidate| match candidate.origin().path() {
        Some(path) => path.file_name().unwrap().to_string_lossy().into_owned(),
        None => "linked".to_owned(),
    };
    candidates.iter().map(|candidate| (name(candidate), candidate.mode(), candidate.reason())).collect()
}

fn chosen(manager: &Manager) -> (String, Mode) {
    let choice = manager.find(&REQUEST).unwrap();
    (told(std::slice::from_ref(&choice.candidate))[0].0.clone(), choice.mode())
}

#[track_caller]
fn refused(manager: &Manager, words: &[&str]) {
    let error = manager.find(&REQUEST).unwrap_err().to_string();
    for word in words.iter().chain(&["version 3 of pipeline \"test\" (test.Managed)"]) {
        assert!(error.contains(word), "{word:?} is missing in: {error}");
    }
    assert!(!error.contains('\n'), "{error}");
}

#[test]
fn files_that_end_in_so_count_and_no_others() {
    let place = Place::new();
    place.module("b.so", |_| {});
    for name in ["a.so.1", "a.so.sig", "a", "so", ".hidden.so", "a.SO"] {
        place.module(name, |_| {});
    }
    fs::create_dir(place.file("below")).unwrap();
    place.module("below/c.so", |_| {});
    place.module("target", |_| {});
    std::os::unix::fs::symlink("target", place.file("link.so")).unwrap();
    let scan = place.manager(ModulePolicy::new()).scan();
    let names: Vec<_> = told(&scan).into_iter().map(|(name, mode, _)| (name, mode)).collect();
    assert_eq!(names, [("b.so".into(), Some(Mode::Isolated)), ("link.so".into(), Some(Mode::Isolated))]);
}

#[test]
fn what_is_no_module_is_passed_over_with_its_reason() {
    let place = Place::new();
    let good = place.module("d.so", |_| {});
    fs::write(place.file("a.so"), "no module").unwrap();
    fs::create_dir(place.file("b.so")).unwrap();
    mkfifoat(CWD, place.file("c.so"), Permissions::from_raw_mode(0o644)).unwrap();
    fs::write(place.file("e.so"), &fs::read(&good).unwrap()[..200]).unwrap();
    std::os::unix::fs::symlink("nowhere", place.file("f.so")).unwrap();
    place.module("g.so", |info| info.protocol += 1);
    place.module("h.so", |info| info.encodings = vec![7]);
    let manager = place.manager(ModulePolicy::new()).folder("/nowhere").folder(&good);
    let scan = manager.scan();
    let told = told(&scan);
    let expected = [
        ("a.so", "ELF"),
        ("b.so", "regular file"),
        ("c.so", "regular file"),
        ("d.so", "not signed"),
        ("e.so", "damaged or missing"),
        ("f.so", "cannot be read"),
        ("g.so", "protocol version"),
        ("h.so", "encodings"),
        ("nowhere", "no such folder"),
        ("d.so", "cannot be read"),
    ];
    assert_eq!(told.len(), expected.len(), "{told:?}");
    for ((name, mode, reason), (expected, word)) in told.iter().zip(expected) {
        assert!(name == expected && reason.contains(word), "{name}: {reason}");
        assert_eq!(mode.is_some(), word == "not signed", "{name}: {reason}");
    }
    assert_eq!(chosen(&manager), ("d.so".into(), Mode::Isolated));
    fs::remove_file(good).unwrap();
    refused(&manager, &["a.so: ", "/nowhere: there is no such folder", "protocol version"]);
}

#[test]
fn a_module_has_to_be_for_that_pipeline_version_and_interface() {
    type Change = fn(&mut ModuleInfo);
    let changes: [(Change, &str); 7] = [
        (|info| info.pipeline = "other".into(), "it is for pipeline \"other\""),
        (|info| info.pipeline_versions = 4..=9, "versions 4 to 9 of the pipeline, which has 3"),
        (|info| info.pipeline_versions = 0..=2, "versions 0 to 2 of the pipeline, which has 3"),
        (|info| info.interface = "test.Unmanaged".into(), "implements test.Unmanaged"),
        (|info| info.interface_hash += 1, "with hash 0x0000000000001235"),
        (|info| info.protocol += 1, "protocol version"),
        (|info| info.encodings = vec![2, 3], "encodings [2, 3]"),
    ];
    for (change, word) in changes {
        let place = Place::new();
        place.module("a.so", change);
        refused(&place.manager(ModulePolicy::new()), &["a.so: ", word]);
    }
    for versions in [3..=3, 0..=3, 3..=u32::MAX] {
        let place = Place::new();
        place.module("a.so", |info| info.pipeline_versions = versions);
        place.manager(ModulePolicy::new()).find(&REQUEST).unwrap();
    }
    refused(&manager(ModulePolicy::new()), &["nothing was found", "RINGFENCE_MODULE_PATH"]);
    let for_other = manager(ModulePolicy::new()).link(linked().pipeline("other", 0..=9));
    refused(&for_other, &["linked in: it is for pipeline \"other\""]);
}

#[test]
fn errors_tell_what_comes_closest_and_not_everything() {
    let place = Place::new();
    for number in 10..30 {
        place.module(&format!("{number}.so"), |info| info.pipeline = "other".into());
    }
    place.module("zz.so", |info| info.interface_hash = 7);
    let ManagerError::NoModule { rejected, .. } =
        place.manager(ModulePolicy::new()).find(&REQUEST).unwrap_err();
    assert_eq!(rejected.len(), 21);
    assert_eq!(rejected[0].0, Origin::File(place.file("zz.so")));
    refused(&place.manager(ModulePolicy::new()), &["zz.so", "and 13 more"]);
}

#[test]
fn of_several_that_fit_the_rule_says_which() {
    let (first, second) = (Place::new(), Place::new());
    let version =
        |major, minor| move |info: &mut ModuleInfo| info.version = Version { major, minor, patch: 0 };
    let manager = || first.manager(second.trusting()).folder(second.path());

    second.module("x.so", version(9, 0));
    first.module("m.so", version(1, 0));
    assert_eq!(chosen(&manager()).0, "m.so", "an earlier folder comes before a higher version");
    first.module("k.so", version(1, 2));
    first.module("z.so", version(1, 10));
    assert_eq!(chosen(&manager()).0, "z.so", "versions are numbers");
    first.module("a.so", version(1, 10));
    assert_eq!(chosen(&manager()).0, "a.so", "names decide last");
    let signed = ModuleFile::read(first.file("z.so")).unwrap();
    second.key.sign(signed.bytes(), signed.record()).write_beside(signed.path()).unwrap();
    assert_eq!(chosen(&manager()).0, "z.so", "a valid signature comes before none");
    first.module("b.so", version(2, 0));
    assert_eq!(chosen(&manager()).0, "b.so", "a higher version comes before a signature");
    assert_eq!(
        chosen(&manager().link(linked())),
        ("linked".into(), Mode::Direct),
        "what is linked in is first"
    );
    let other = linked().pipeline("other", 0..=9);
    assert_eq!(chosen(&manager().link(other)).0, "b.so", "but only if it fits");
    let old_and_new = manager().link(linked().name("old")).link(linked().name("new").version(0, 1, 0));
    assert_eq!(old_and_new.find(&REQUEST).unwrap().info().name, "new");
}

#[test]
fn which_module_is_taken_does_not_depend_on_how_it_runs() {
    let place = Place::new();
    place.module("a.so", |info| info.version.major = 9);
    place.module("b.so", |_| {});
    place.sign("b.so");
    let both = |policy: ModulePolicy| {
        let manager = place.manager(policy).link(linked().component("test"));
        (chosen(&manager).0, chosen(&place.manager(place.trusting())).0)
    };
    for policy in
        [place.trusting(), place.trusting().force_isolation(true), place.trusting().trust_linked(false)]
    {
        assert_eq!(both(policy), ("linked".into(), "a.so".into()));
    }
}

#[test]
fn folders_come_in_their_order_and_once() {
    let (one, two, three) = (Place::new(), Place::new(), Place::new());
    for place in [&one, &two, &three] {
        place.module("a.so", |_| {});
    }
    let variable = |paths: &[&Path]| {
        let paths: Vec<_> = paths.iter().map(|path| path.to_str().unwrap()).collect();
        Environment { path: Some(paths.join(":").into()), ..Environment::default() }
    };
    let environment =
        variable(&[Path::new(""), two.path(), one.path(), Path::new(""), three.path(), two.path()]);
    let manager = Manager { environment, ..Manager::new(ModulePolicy::new()).folder(three.path()) };
    let scan = manager.scan();
    let folders: Vec<_> = scan.iter().map(|candidate| candidate.origin().path().unwrap()).collect();
    let found: Vec<_> = [&three, &two, &one].map(|place| place.file("a.so")).into();
    assert_eq!(folders[..3], found);
    assert!(
        folders[3..].iter().all(|path| BUILT_IN_FOLDERS.iter().any(|built_in| path.starts_with(built_in)))
    );
    assert!(!folders[3..].is_empty());
    let only = manager.only_folders().scan();
    assert_eq!(only.len(), 1);
}

#[test]
fn more_rights_than_the_callers_make_the_variable_void_and_not_the_force() {
    let place = Place::new();
    place.module("a.so", |_| {});
    let environment =
        Environment { path: Some(place.path().into()), forced: Some("1".into()), is_elevated: true };
    let manager = Manager { environment, ..Manager::new(ModulePolicy::new()) };
    let scan = manager.scan();
    let here = scan.iter().find(|candidate| candidate.origin().path() == Some(place.path())).unwrap();
    assert!(here.mode().is_none() && here.reason().contains("more rights than its caller"), "{here:?}");
    assert!(manager.find(&REQUEST).is_err());
    // A folder that the program itself names counts all the same.
    let manager = manager.folder(place.path()).link(linked());
    assert_eq!(chosen(&manager), ("a.so".into(), Mode::Isolated), "linked in it cannot be isolated");
}

#[test]
fn any_value_but_zero_and_nothing_forces_isolation() {
    for (value, forced) in [
        (None, false),
        (Some(""), false),
        (Some("0"), false),
        (Some("1"), true),
        (Some("yes"), true),
        (Some("off"), true),
    ] {
        let environment = Environment { forced: value.map(Into::into), ..Environment::default() };
        assert_eq!(environment.forces_isolation(), forced, "{value:?}");
        let manager = manager(ModulePolicy::new()).link(linked().component("test"));
        let choice = Manager { environment, ..manager }.find(&REQUEST).unwrap();
        assert_eq!(choice.mode() == Mode::Isolated, forced);
        assert_eq!(choice.reason().contains("RINGFENCE_FORCE_ISOLATION"), forced, "{}", choice.reason());
    }
}

#[test]
fn the_signature_and_the_policy_decide_the_mode() {
    let place = Place::new();
    place.module("a.so", |_| {});
    let mode = |policy: &ModulePolicy| {
        let scan = place.manager(policy.clone()).scan();
        assert_eq!(
            place.manager(policy.clone()).find(&REQUEST).ok().map(|choice| choice.mode()),
            scan[0].mode()
        );
        (scan[0].mode(), scan[0].reason().to_owned())
    };
    let isolated = |policy: ModulePolicy, word: &str| {
        let (mode, reason) = mode(&policy);
        assert!(mode == Some(Mode::Isolated) && reason.contains(word), "{mode:?}: {reason}");
    };
    let refused = |policy: ModulePolicy, word: &str| {
        let (mode, reason) = mode(&policy);
        assert!(mode.is_none() && reason.contains(word), "{mode:?}: {reason}");
    };
    let (unaware, trusting) = (ModulePolicy::new(), place.trusting());
    let stranger = Place::new().trusting();

    isolated(trusting.clone(), "it is not signed");
    refused(trusting.clone().allow_unsigned(false), "the policy wants a valid signature");
    refused(unaware.clone().allow_unsigned(false), "it is not signed");

    place.sign("a.so");
    let (threaded, reason) = mode(&trusting);
    assert_eq!(threaded, Some(Mode::Threaded), "{reason}");
    assert!(reason.contains(&place.key.id().to_string()), "{reason}");
    assert_eq!(mode(&trusting.clone().allow_unsigned(false)).0, Some(Mode::Threaded));
    isolated(trusting.clone().signed_in_process(false), "the policy isolates signed files too");
    isolated(trusting.clone().force_isolation(true), "the policy isolates all modules");
    isolated(unaware.clone(), "no keys are trusted");
    refused(unaware.allow_unsigned(false), "no keys are trusted");
    refused(stranger.clone(), "signature is invalid: no trusted key");
    isolated(stranger.clone().isolate_badly_signed(true), "signature is invalid");
    refused(stranger.isolate_badly_signed(true).allow_unsigned(false), "signature is invalid");

    // A byte that is part of nothing that anybody looks at.
    let mut bytes = fs::read(place.file("a.so")).unwrap();
    bytes.push(0);
    fs::write(place.file("a.so"), &bytes).unwrap();
    refused(trusting.clone(), "signature is invalid: no trusted key");
    place.sign("a.so");
    assert_eq!(mode(&trusting).0, Some(Mode::Threaded));
    fs::write(place.file("a.so.sig"), "").unwrap();
    refused(trusting.clone(), "has 0 bytes, and a signature has 64");
    fs::remove_file(place.file("a.so.sig")).unwrap();
    mkfifoat(CWD, place.file("a.so.sig"), Permissions::from_raw_mode(0o644)).unwrap();
    refused(trusting, "is no regular file");
}

#[test]
fn a_signature_does_not_fit_another_module() {
    let place = Place::new();
    place.module("a.so", |_| {});
    place.module("b.so", |info| info.version.patch = 1);
    place.sign("a.so");
    fs::rename(place.file("a.so.sig"), place.file("b.so.sig")).unwrap();
    let scan = place.manager(place.trusting()).scan();
    assert_eq!(scan[0].signature(), Some(&SignatureState::Missing));
    assert!(matches!(scan[1].signature(), Some(SignatureState::Invalid { .. })), "{scan:?}");
    assert_eq!(chosen(&place.manager(place.trusting())), ("a.so".into(), Mode::Isolated));
}

#[test]
fn what_was_examined_is_what_runs() {
    let place = Place::new();
    let path = place.module("a.so", |_| {});
    place.sign("a.so");
    let before = fs::read(&path).unwrap();
    let choice = place.manager(place.trusting()).find(&REQUEST).unwrap();
    fs::write(&path, "something else").unwrap();
    place.module("new", |info| info.name = "evil".into());
    fs::rename(place.file("new"), &path).unwrap();
    let Run::Threaded(file) = choice.run() else { panic!("{choice:?}") };
    assert_eq!(file.bytes(), before);
    assert_eq!(choice.info().name, "example");
}

#[test]
fn embedders_may_tighten_and_no_more() {
    let place = Place::new();
    place.module("a.so", |_| {});
    place.module("b.so", |info| info.name = "second".into());
    place.sign("a.so");
    place.sign("b.so");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let policy = place.trusting().restrict({
        let seen = Arc::clone(&seen);
        move |candidate| {
            seen.lock().unwrap().push((candidate.origin().clone(), candidate.mode()));
            Restriction::Nothing
        }
    });
    assert_eq!(chosen(&place.manager(policy.clone())), ("a.so".into(), Mode::Threaded));
    let planned = Some(Mode::Threaded);
    let expected =
        [("a.so", planned), ("b.so", planned)].map(|(name, mode)| (Origin::File(place.file(name)), mode));
    assert_eq!(*seen.lock().unwrap(), expected);

    let isolating = policy.clone().restrict(|_| Restriction::Isolate("they are new".into()));
    let choice = place.manager(isolating.clone()).find(&REQUEST).unwrap();
    assert_eq!((choice.mode(), choice.reason()), (Mode::Isolated, "they are new"));
    // Who says nothing takes nothing back.
    let choice = place.manager(isolating.restrict(|_| Restriction::Nothing)).find(&REQUEST).unwrap();
    assert_eq!(choice.mode(), Mode::Isolated);

    let first_only = policy.restrict(|candidate| match candidate.info() {
        Some(info) if info.name == "example" => Restriction::Refuse("it is an example".into()),
        _ => Restriction::Nothing,
    });
    assert_eq!(chosen(&place.manager(first_only.clone())).0, "b.so");
    fs::remove_file(place.file("b.so")).unwrap();
    self::refused(&place.manager(first_only), &["a.so: it is an example"]);
}

#[test]
fn isolation_that_cannot_be_had_is_an_error_that_says_why() {
    let without_worker = manager(ModulePolicy::new().trust_linked(false)).link(linked());
    refused(&without_worker, &["it would have to be isolated", "does not trust it", "Linked::component"]);
    let forced = manager(ModulePolicy::new().force_isolation(true)).link(linked());
    refused(
        &forced,
        &["it would have to be isolated (the policy isolates all modules)", "Linked::component"],
    );

    let with = |worker: Worker| {
        let manager = manager(ModulePolicy::new().force_isolation(true)).link(linked().worker(worker));
        manager.find(&REQUEST).unwrap()
    };
    let nobody = with(Worker::component("nobody").program("/nowhere/worker"));
    assert_eq!(nobody.mode(), Mode::Isolated);
    let error = open(&nobody, &Options::new()).unwrap_err();
    assert!(error.to_string().contains("/nowhere/worker"), "{error}");

    let own = with(Worker::component("nobody").program(std::env::current_exe().unwrap()));
    let sandbox = SandboxPolicy::strict().without(Layers::LANDLOCK);
    let error = open(&own, &Options::new().sandbox(sandbox)).unwrap_err();
    assert!(matches!(error, ConnectError::Sandbox { .. }), "{error}");

    let unknown = with(Worker::component("nobody").program("/bin/true"));
    let error = open(&unknown, &Options::new()).unwrap_err();
    assert!(matches!(error, ConnectError::Died(_)), "{error}");
}

#[test]
fn a_choice_is_for_its_interface_alone() {
    let choice = manager(ModulePolicy::new()).link(linked()).find(&REQUEST).unwrap();
    assert_eq!(open(&choice, &Options::new()).unwrap().mode(), Mode::Direct);
    let backend = Backend::<dyn Send, Nothing, Connection>::open(&OTHER, &choice, &Options::new());
    assert!(matches!(backend, Err(ConnectError::OtherInterface { .. })), "{backend:?}");
    let backend = Backend::<dyn Sync, Nothing, Connection>::open(&INTERFACE, &choice, &Options::new());
    assert!(matches!(backend, Err(ConnectError::OtherInterface { .. })), "{backend:?}");
}

#[test]
fn searching_leaves_nothing_open() {
    let place = Place::new();
    place.module("a.so", |_| {});
    place.module("b.so", |_| {});
    fs::write(place.file("c.so"), "no module").unwrap();
    place.sign("a.so");
    fs::write(place.file("b.so.sig"), "").unwrap();
    let manager = place.manager(place.trusting());
    // Other tests open and close descriptors meanwhile, and have a few modules, too.
    let open = || {
        let links =
            fs::read_dir("/proc/self/fd").unwrap().flatten().filter_map(|fd| fs::read_link(fd.path()).ok());
        let is_ours = |link: &PathBuf| {
            link.starts_with(place.path()) || link.to_string_lossy().contains("ringfence-module")
        };
        links.filter(is_ours).count()
    };
    for _ in 0..100 {
        assert_eq!(manager.scan().len(), 3);
        manager.find(&REQUEST).unwrap();
    }
    // Each round opens seven; a hundred rounds that left one each would be seen.
    assert!(open() < 50, "{} descriptors are open", open());
}
