//! What libcamera's encoding costs, beside the native one, in one thread.
//!
//! libcamera's own serialisers took 0.95 µs to write `PrepareParams` with 4 + 10 controls, 454 bytes, and 1.1 µs to read
//! them, on one machine of the kind that this is developed on. The bar is a quarter of that.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ringfence::bench::prepare_like;
use ringfence::interfaces::rpi::PrepareParams;
use ringfence::serialize::controls::{ControlInfo, Direction};
use ringfence::serialize::libcamera::{ControlSerializer, Decoder, Encoder, Role, Version};
use ringfence::serialize::{ControlInfoMap, ControlList, native};

/// The map that a list of V4L2 controls is made from.
fn map_of(list: &ControlList) -> ControlInfoMap {
    let mut map = ControlInfoMap::new(list.id_map());
    for (id, value) in list.iter() {
        let info = ControlInfo::new(value.to_owned(), value.to_owned());
        map.insert(id, value.control_type(), Direction::InOut, &info)
            .expect("scalars have limits of their type");
    }
    map
}

fn prepare(criterion: &mut Criterion) {
    let lists = prepare_like();
    let map = map_of(&lists.sensor_controls);
    let params = PrepareParams {
        sensor_controls: lists.sensor_controls,
        request_controls: lists.request_controls,
        ..PrepareParams::default()
    };
    let mut group = criterion.benchmark_group("PrepareParams with 4 + 10 controls");
    for version in Version::ALL {
        let mut host = ControlSerializer::new(version, Role::Host);
        let mut worker = ControlSerializer::new(version, Role::Worker);
        let (mut bytes, mut fds) = (Vec::new(), Vec::new());
        // Both sides know the map, as after `configure`.
        Encoder::message(&map, &mut bytes, &mut fds, &mut host).expect("the map fits");
        Decoder::message::<ControlInfoMap>(&bytes, &mut [], &mut worker).expect("it was encoded just now");
        bytes.clear();
        if let Err(error) = Encoder::message(&params, &mut bytes, &mut fds, &mut host) {
            eprintln!("{version}: {error}");
            continue;
        }
        eprintln!("{version}: {} bytes", bytes.len());
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(BenchmarkId::new("decode", version), |bencher| {
            bencher.iter(|| {
                Decoder::message::<PrepareParams>(black_box(&bytes), &mut [], &mut worker)
                    .expect("it was encoded just now")
            });
        });
        group.bench_function(BenchmarkId::new("encode", version), |bencher| {
            bencher.iter(|| {
                bytes.clear();
                Encoder::message(black_box(&params), &mut bytes, &mut fds, &mut host).expect("as before");
                black_box(&mut bytes);
            });
        });
    }
    let (mut bytes, mut fds) = (Vec::new(), Vec::new());
    native::Encoder::message(&params, &mut bytes, &mut fds).expect("the value fits a message");
    eprintln!("native: {} bytes", bytes.len());
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function(BenchmarkId::new("decode", "native"), |bencher| {
        bencher.iter(|| {
            native::Decoder::message::<PrepareParams>(black_box(&bytes), &mut [])
                .expect("it was encoded just now")
        });
    });
    group.bench_function(BenchmarkId::new("encode", "native"), |bencher| {
        bencher.iter(|| {
            native::Encoder::message(black_box(&params), &mut bytes, &mut fds).expect("as before");
            black_box(&mut bytes);
        });
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(std::time::Duration::from_millis(300))
        .measurement_time(std::time::Duration::from_secs(1));
    targets = prepare
}
criterion_main!(benches);
