//! `ringfence vimc`: a session with libcamera's test module, call by call.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use ringfence::interfaces::{libcamera as newest, libcamera_0_0_3, vimc};
use ringfence::ipc::Options;
use ringfence::ipc::libcamera::Worker;
use ringfence::rpi::libcamera::{Installation, InterfaceVersion};
use ringfence::serialize::controls::ids::v4l2;
use ringfence::serialize::controls::{ControlInfo, Direction, IdMap};
use ringfence::serialize::{ControlInfoMap, ControlList, Plane, SharedFd, Size};
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use serde_json::json;

use crate::cli::VimcArgs;
use crate::failure::Failure;
use crate::libcamera;
use crate::output::{print, print_json};

/// Bytes of a buffer.
const BYTES: u32 = 4096;
/// The buffers that are mapped.
const BUFFERS: [u32; 2] = [1, 2];
/// The buffers that parameters are asked for: one of them is not there, and gets no event.
const ASKED: [u32; 3] = [1, 99, 2];
/// How long an event may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Runs the session.
pub fn session(args: &VimcArgs) -> Result<ExitCode, Failure> {
    let (worker, version) = libcamera::worker(&args.libcamera, "vimc_ipa_proxy", "ipa_vimc.so")?;
    let teller = Teller { json: args.json };
    match version {
        InterfaceVersion::V0_0_3 => version_0_0_3(&worker, &teller),
        InterfaceVersion::Newest => newest_version(&worker, &teller),
    }?;
    Ok(ExitCode::SUCCESS)
}

/// A session of one version: the calls are the same, their types and two of their names are not.
macro_rules! session {
    (
        $worker:expr, $teller:expr, $version:expr, $types:path, $vimc:path, trace: ($($trace:expr)?),
        compute: $compute:ident = $compute_name:literal, event: $event:ident = $event_name:literal
    ) => {{
        use vimc::IpaVimc as _;
        use $types as types;
        use $vimc as vimc;
        let mut ipa = vimc::IpaVimcProxy::libcamera(&Options::new(), $worker).map_err(Failure::work)?;
        let settings =
            types::IpaSettings { configuration_file: configuration(), sensor_model: "vimc".to_owned() };
        let teller = $teller;
        let arguments = format!("{:?}, IPAOperationInit, Flag2", settings.configuration_file);
        let code = vimc::IpaOperationCode::IpaOperationInit;
        let answer = ipa.init(&settings, $($trace,)? code, vimc::TestFlag::Flag2.into());
        let (ret, _) = teller.call("init", &arguments, answer.map_err(|error| libcamera::first_call(&error, $version)))?;
        accepted("init", ret)?;
        let size = Size { width: 640, height: 480 };
        let stream = types::IpaStream { pixel_format: u32::from_le_bytes(*b"RG24"), size };
        let sensor = types::IpaCameraSensorInfo {
            model: "vimc".to_owned(),
            bits_per_pixel: 8,
            output_size: size,
            ..Default::default()
        };
        let streams = BTreeMap::from([(0, stream), (1, stream)]);
        let entities = BTreeMap::from([(0, controls())]);
        let answer = ipa.configure(&sensor, &streams, &entities).map_err(Failure::work);
        accepted("configure", teller.call("configure", "2 streams, 1 entity", answer)?)?;
        let mut buffers = Vec::new();
        for id in BUFFERS {
            let plane = Plane { fd: memory(BYTES)?, offset: 0, length: BYTES };
            buffers.push(types::IpaBuffer { id, planes: vec![plane] });
        }
        teller.call("mapBuffers", &format!("{BUFFERS:?}"), ipa.map_buffers(&buffers).map_err(Failure::work))?;
        accepted("start", teller.call("start", "", ipa.start().map_err(Failure::work))?)?;
        for (frame, buffer) in (0..).zip(ASKED) {
            let answer = ipa.queue_request(frame, &ControlList::default()).map_err(Failure::work);
            teller.call("queueRequest", &frame.to_string(), answer)?;
            let answer = ipa.$compute(frame, buffer).map_err(Failure::work);
            teller.call($compute_name, &format!("{frame}, {buffer}"), answer)?;
        }
        for _ in BUFFERS {
            if !ipa.wait(Some(Instant::now() + PATIENCE)).map_err(Failure::work)? {
                return Err(Failure::work(format!("{} did not come within {PATIENCE:?}", $event_name)));
            }
            if let Some(vimc::IpaVimcEvent::$event { buffer_id, flags }) =
                ipa.next_event().map_err(Failure::work)?
            {
                teller.event($event_name, &format!("{buffer_id}, {flags:?}"))?;
            }
        }
        teller.call("stop", "", ipa.stop().map_err(Failure::work))?;
        teller.call("unmapBuffers", &format!("{BUFFERS:?}"), ipa.unmap_buffers(&BUFFERS).map_err(Failure::work))?;
    }};
}

fn version_0_0_3(worker: &Worker, teller: &Teller) -> Result<(), Failure> {
    session!(
        worker, teller, InterfaceVersion::V0_0_3, libcamera_0_0_3::libcamera, libcamera_0_0_3::vimc, trace: (),
        compute: fill_params_buffer = "fillParamsBuffer", event: ParamsBufferReady = "paramsBufferReady"
    );
    Ok(())
}

fn newest_version(worker: &Worker, teller: &Teller) -> Result<(), Failure> {
    // The module writes what it does. A file cannot keep us waiting, as a pipe could.
    let trace = memory(0)?;
    session!(
        worker, teller, InterfaceVersion::Newest, newest, vimc, trace: (&trace),
        compute: compute_params = "computeParams", event: ParamsComputed = "paramsComputed"
    );
    let mut written = [0; BYTES as usize];
    let fd = trace.get().expect("it was made above");
    let length = rustix::io::pread(fd, &mut written, 0)
        .map_err(|errno| Failure::work(format!("the trace cannot be read: {errno}")))?;
    let codes = written[..length].as_chunks().0.iter().map(|bytes| i32::from_ne_bytes(*bytes));
    teller.trace(&codes.collect::<Vec<i32>>())
}

/// Tells what happens, as text or as objects.
struct Teller {
    json: bool,
}

impl Teller {
    /// Prints a call and what came of it, which is returned.
    fn call<R: Debug>(&self, name: &str, arguments: &str, result: Result<R, Failure>) -> Result<R, Failure> {
        let result = result?;
        let answer = Some(format!("{result:?}")).filter(|answer| answer != "()");
        if self.json {
            print_json(&json!({ "kind": "call", "name": name, "arguments": arguments, "result": answer }))?;
        } else {
            let answer = answer.map_or_else(String::new, |answer| format!(" -> {answer}"));
            print(&format!("{name}({arguments}){answer}\n"))?;
        }
        Ok(result)
    }

    /// Prints an event.
    fn event(&self, name: &str, arguments: &str) -> Result<(), Failure> {
        if self.json {
            return print_json(&json!({ "kind": "event", "name": name, "arguments": arguments }));
        }
        print(&format!("    {name}({arguments})\n"))
    }

    /// Prints what the module has written while it worked.
    fn trace(&self, codes: &[i32]) -> Result<(), Failure> {
        if self.json {
            return print_json(&json!({ "kind": "trace", "codes": codes }));
        }
        print(&format!("trace: {codes:?}\n"))
    }
}

/// Ends the session if the module has refused a call.
fn accepted(method: &str, code: i32) -> Result<(), Failure> {
    if code < 0 {
        return Err(Failure::work(format!("the module refused {method}: it returned {code}")));
    }
    Ok(())
}

/// A file that the module can open: it looks no further.
fn configuration() -> String {
    let installed = Installation::find().map(|installed| installed.tuning("vimc/vimc.conf"));
    let path = installed.ok().filter(|path| path.is_file()).unwrap_or_else(|| "/dev/null".into());
    path.to_string_lossy().into_owned()
}

fn controls() -> ControlInfoMap {
    let mut map = ControlInfoMap::new(IdMap::V4l2);
    let info = ControlInfo::new(0, 1000).with_default(500);
    map.set(&v4l2::EXPOSURE, Direction::InOut, &info).expect("the limits have the type of the control");
    map
}

fn memory(bytes: u32) -> Result<SharedFd, Failure> {
    let fd = memfd_create("ringfence-vimc", MemfdFlags::CLOEXEC)
        .and_then(|fd| ftruncate(&fd, bytes.into()).map(|()| fd))
        .map_err(|errno| Failure::work(format!("memfd_create: {errno}")))?;
    Ok(fd.into())
}
