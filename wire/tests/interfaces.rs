//! The interface files of this project can be used.

mod common;

use common::check;

#[test]
fn old_interfaces_have_the_numbers_of_messages_that_the_old_workers_have() {
    for (file, methods, events) in [
        (
            "raspberrypi.mojom",
            &[
                "init",
                "start",
                "stop",
                "configure",
                "mapBuffers",
                "unmapBuffers",
                "signalStatReady",
                "signalQueueRequest",
                "signalIspPrepare",
            ][..],
            &["statsMetadataComplete", "runIsp", "embeddedComplete", "setIspControls", "setDelayedControls"]
                [..],
        ),
        (
            "vimc.mojom",
            &[
                "init",
                "configure",
                "start",
                "stop",
                "mapBuffers",
                "unmapBuffers",
                "queueRequest",
                "fillParamsBuffer",
            ],
            &["paramsBufferReady"],
        ),
    ] {
        let model = check("libcamera-0.0.3", &[file]);
        let interface = model.modules.last().unwrap().interface.as_ref().unwrap();
        assert!(interface.methods.iter().map(|method| &*method.name).eq(methods.iter().copied()), "{file}");
        assert!(interface.events.iter().map(|event| &*event.name).eq(events.iter().copied()), "{file}");
        // The sensor is described by the core types of that release, which have no pattern of colours.
        let sensor = model.structs.iter().find(|structure| structure.name == "IPACameraSensorInfo").unwrap();
        assert!(sensor.fields.iter().all(|field| field.name != "cfaPattern"), "{file}");
    }
}
