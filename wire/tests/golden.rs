//! The bytes that libcamera's own serialisers and processes have made.

mod common;

use common::{check, from_hex, golden, recording, to_hex};
use ringfence_wire::{Assembler, Codec, Kind, Role, Session, Side, Subject, Wire, frame};
use serde_json::Value as Json;

fn role(line: &Json) -> Role {
    match line["role"].as_str().unwrap() {
        "proxy" => Role::Proxy,
        "worker" => Role::Worker,
        other => panic!("{other} is no role"),
    }
}

#[test]
fn values_become_the_bytes_of_libcamera() {
    let model = check("", &["raspberrypi.mojom"]);
    let lines = golden("libcamera-2.jsonl");
    assert_eq!(lines.len(), 432);
    for line in &lines {
        let subject = Subject::parse(&model, line["type"].as_str().unwrap()).unwrap();
        let encoded = Codec::new(&model, Wire::Libcamera2).encode(role(line), &subject, &line["value"]);
        let encoded = encoded.unwrap_or_else(|error| panic!("{error} in {line}"));
        assert_eq!(to_hex(&encoded.bytes), line["bytes"], "{line}");
        assert_eq!(encoded.fds as u64, line["fds"], "{line}");
    }
}

#[test]
fn the_bytes_of_libcamera_become_values() {
    let model = check("", &["raspberrypi.mojom"]);
    for line in &golden("libcamera-2.jsonl") {
        let subject = Subject::parse(&model, line["type"].as_str().unwrap()).unwrap();
        let mut codec = Codec::new(&model, Wire::Libcamera2);
        if subject == Subject::Again {
            // The bytes were made by a serialiser that had sent the map before.
            codec.remember(role(line), &line["value"]["infomap"]).unwrap();
        }
        let fds = line["fds"].as_u64().unwrap() as usize;
        let decoded = codec.decode(&subject, &from_hex(&line["bytes"]), fds);
        let decoded = decoded.unwrap_or_else(|error| panic!("{error} in {line}"));
        assert_eq!(decoded.value.to_string(), line["value"].to_string());
        assert_eq!(decoded.remarks, Vec::<String>::new());
    }
}

#[test]
fn values_survive_the_other_encodings() {
    let model = check("", &["raspberrypi.mojom"]);
    let mut tried = [0; 3];
    for line in &golden("libcamera-2.jsonl") {
        let subject = Subject::parse(&model, line["type"].as_str().unwrap()).unwrap();
        let Subject::Value(_) = subject else { continue };
        for (wire, tried) in Wire::ALL.into_iter().zip(&mut tried) {
            // The older format has fewer types, and no arrays as limits.
            let Ok(encoded) = Codec::new(&model, wire).encode(Role::Proxy, &subject, &line["value"]) else {
                assert_eq!(wire, Wire::Libcamera1, "{line}");
                continue;
            };
            *tried += 1;
            let back = Codec::new(&model, wire).decode(&subject, &encoded.bytes, encoded.fds).unwrap();
            // Format 1 has no directions.
            let text = |value: &Json| match wire {
                Wire::Libcamera1 => {
                    value.to_string().replace("\"direction\":1", BOTH).replace("\"direction\":2", BOTH)
                }
                _ => value.to_string(),
            };
            assert_eq!(text(&back.value), text(&line["value"]), "{wire}");
        }
    }
    assert!(tried[0] == tried[2] && tried[1] > 300, "{tried:?}");
}

/// What a direction reads as in format 1.
const BOTH: &str = "\"direction\":3";

struct Recording {
    file: &'static str,
    interface: &'static str,
    folder: &'static str,
    wire: Wire,
    /// In whose message the recording ends; without, it ends with `exit`.
    cut: Option<Side>,
}

const RECORDINGS: [Recording; 4] = [
    Recording {
        file: "libcamera-1-rpi-session.jsonl",
        interface: "raspberrypi.mojom",
        folder: "libcamera-0.0.3",
        wire: Wire::Libcamera1,
        cut: None,
    },
    Recording {
        file: "libcamera-1-vimc-session.jsonl",
        interface: "vimc.mojom",
        folder: "libcamera-0.0.3",
        wire: Wire::Libcamera1,
        cut: None,
    },
    Recording {
        file: "libcamera-2-rpi-session.jsonl",
        interface: "raspberrypi.mojom",
        folder: "",
        wire: Wire::Libcamera2,
        cut: Some(Side::Host),
    },
    Recording {
        file: "libcamera-2-vimc-session.jsonl",
        interface: "vimc.mojom",
        folder: "",
        wire: Wire::Libcamera2,
        cut: Some(Side::Worker),
    },
];

#[test]
fn recorded_sessions_are_understood_and_made_again() {
    for Recording { file, interface, folder, wire, cut } in RECORDINGS {
        let model = check(folder, &[interface]);
        let mut listener = Session::new(&model, wire).unwrap();
        let mut speaker = Session::new(&model, wire).unwrap();
        let mut last = [None, None];
        let (mut calls, mut replies, mut exits) = (0, 0, 0);
        for (index, (side, datagram)) in recording(file).into_iter().enumerate() {
            let message = listener.datagram(side, &datagram);
            let message = message.unwrap_or_else(|error| panic!("{file}, datagram {index}: {error}"));
            let last = &mut last[side as usize];
            let Some(message) = message else {
                *last = Some(datagram);
                continue;
            };
            assert!(message.remarks.is_empty(), "{file}, datagram {index}: {:?}", message.remarks);
            match message.kind {
                Kind::Call => calls += u32::from(!is_async(&listener, &message.name)),
                Kind::Reply => replies += 1,
                Kind::Exit => exits += 1,
                Kind::Event => {}
            }
            let payload = speaker.encode(&message).unwrap_or_else(|error| panic!("{file}: {error}"));
            assert_eq!(
                to_hex(&payload.bytes),
                to_hex(&datagram.bytes),
                "{file}, datagram {index}: {message:?}"
            );
            assert_eq!(payload.fds, datagram.fds);
            assert_eq!(frame(&payload).unwrap(), [last.take().unwrap(), datagram]);
        }
        assert_eq!(listener.unfinished().collect::<Vec<_>>(), Vec::from_iter(cut), "{file}");
        assert_eq!(exits, u32::from(cut.is_none()), "{file}");
        assert_eq!(calls, replies + u32::from(cut == Some(Side::Worker)), "{file}");
    }
}

fn is_async(session: &Session<'_>, name: &str) -> bool {
    session.interface().methods.iter().find(|method| method.name == name).unwrap().asynchronous
}

#[test]
fn what_is_recorded_says_what_happened() {
    let model = check("libcamera-0.0.3", &["raspberrypi.mojom"]);
    let mut session = Session::new(&model, Wire::Libcamera1).unwrap();
    let messages: Vec<_> = recording("libcamera-1-rpi-session.jsonl")
        .into_iter()
        .filter_map(|(side, datagram)| session.datagram(side, &datagram).unwrap())
        .collect();
    let named = |name: &str, kind| {
        messages.iter().filter(move |m| m.name == name && m.kind == kind).collect::<Vec<_>>()
    };
    let init = &named("init", Kind::Reply)[0].parameters;
    assert_eq!((&init["ret"], &init["result"]["sensorConfig"]["exposureDelay"]), (&0.into(), &2.into()));
    assert_eq!(init["result"]["controlInfo"]["entries"].as_array().unwrap().len(), 18);
    // The table of the lens shading.
    assert_eq!(named("configure", Kind::Call)[0].fds, 1);
    // The sensor's map comes back with the first list, as the third map after the two that the host has sent.
    let controls = &named("configure", Kind::Reply)[0].parameters["controls"];
    assert_eq!(controls["map"], 2);
    assert!(controls["infomap"].is_object());
    let delayed = &named("setDelayedControls", Kind::Event)[0].parameters["controls"];
    assert_eq!((&delayed["map"], delayed.get("infomap")), (&2.into(), None));
    assert_eq!(named("runIsp", Kind::Event).len(), 20);
    assert!(messages.iter().all(|message| message.from
        == if matches!(message.kind, Kind::Call | Kind::Exit) { Side::Host } else { Side::Worker }));
}

#[test]
fn one_direction_alone_can_be_put_together() {
    let mut assembler = Assembler::default();
    let datagrams = recording("libcamera-2-vimc-session.jsonl");
    let from_host = datagrams.iter().filter(|(side, _)| *side == Side::Host);
    let messages = from_host.filter_map(|(_, datagram)| assembler.take(datagram).unwrap()).count();
    assert_eq!(messages, 12);
}
