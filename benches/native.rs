//! What the parts of a message cost: encoding, decoding and the ring, in one thread.
//!
//! `benches/rivals/` measures whole calls to another process.

use std::collections::BTreeMap;
use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ringfence::bench::prepare_like;
use ringfence::interfaces::bench::Pod;
use ringfence::interfaces::rpi::PrepareParams;
use ringfence::serialize::ControlList;
use ringfence::serialize::controls::IdMap;
use ringfence::serialize::native::{Decode, Decoder, Encode, Encoder, encoded_bytes};
use ringfence::shm::{Consumer, Geometry, Producer, Record, SharedMemory};

/// Encodes and decodes one value, into memory that is used again and again.
fn both_ways<T: Decode>(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, value: &T) {
    let (mut bytes, mut fds) = (Vec::new(), Vec::new());
    group.throughput(Throughput::Bytes(encoded_bytes(value) as u64));
    group.bench_function(BenchmarkId::new("encode", name), |bencher| {
        bencher.iter(|| {
            Encoder::message(black_box(value), &mut bytes, &mut fds).expect("the value fits a message");
            black_box(&mut bytes);
        });
    });
    bytes.clear();
    Encoder::message(value, &mut bytes, &mut fds).expect("the value fits a message");
    group.bench_function(BenchmarkId::new("decode", name), |bencher| {
        bencher.iter(|| Decoder::message::<T>(black_box(&bytes), &mut []).expect("it was encoded just now"));
    });
}

fn encoding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("encoding");
    let pod = Pod { a: 1, h: 8, ..Pod::default() };
    both_ways(&mut group, "64 bytes", &pod);
    both_ways(&mut group, "100 structs of 64 bytes", &vec![pod; 100]);
    both_ways(&mut group, "4 KiB of bytes", &vec![1u8; 4 << 10]);
    both_ways(&mut group, "64 KiB of bytes", &vec![1u8; 64 << 10]);
    both_ways(&mut group, "1000 floats", &vec![1.5f32; 1000]);
    both_ways(&mut group, "a string of 20", &"imx219 10-0010/front".to_owned());
    both_ways(&mut group, "100 strings of 20", &vec!["imx219 10-0010/front".to_owned(); 100]);
    both_ways(&mut group, "a map of 100", &(0..100u32).map(|key| (key, 1.5f32)).collect::<BTreeMap<_, _>>());
    group.finish();
}

fn controls(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("controls");
    let lists = prepare_like();
    both_ways(&mut group, "none", &ControlList::new(IdMap::Controls));
    both_ways(&mut group, "4 of a sensor", &lists.sensor_controls);
    both_ways(&mut group, "10 of a request", &lists.request_controls);
    let params = PrepareParams {
        sensor_controls: lists.sensor_controls,
        request_controls: lists.request_controls,
        ..PrepareParams::default()
    };
    both_ways(&mut group, "PrepareParams with 4 + 10", &params);
    group.finish();
}

/// Reserve, write, commit and pop, in a mapping as two processes share it.
fn ring(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ring, one thread");
    let geometry = Geometry::for_payload(256 << 10);
    for bytes in [8, 56, 64, 256, 1 << 10, 4 << 10, 64 << 10] {
        let memory = SharedMemory::create("ringfence-bench", geometry.memory_bytes()).expect("a memfd");
        let map = || memory.map().expect("room for a mapping");
        let (mut producer, mut consumer) = (Producer::new(map(), geometry), Consumer::new(map(), geometry));
        let (data, mut record) = (vec![1u8; bytes], Record::default());
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_function(BenchmarkId::new("push and pop", format!("{bytes} B")), |bencher| {
            bencher.iter(|| {
                let mut slot = producer.reserve(bytes).expect("all that came before was popped");
                slot.put(0, black_box(&data));
                let wake = slot.commit();
                let popped = consumer.pop(&mut record).expect("an honest producer");
                assert!(popped.is_some() && !wake, "a record, and nobody asleep");
                black_box(record.bytes());
                // As an idle consumer does before it waits.
                let _ = consumer.release();
            });
        });
    }
    group.finish();
}

/// Where there is nothing to encode, what is measured is the harness.
fn nothing(criterion: &mut Criterion) {
    criterion.bench_function("nothing", |bencher| bencher.iter(|| black_box(0u32).region_bytes()));
}

criterion_group! {
    name = benches;
    // Enough for what takes nanoseconds, and all of it in about a minute.
    config = Criterion::default()
        .warm_up_time(std::time::Duration::from_millis(300))
        .measurement_time(std::time::Duration::from_secs(1));
    targets = nothing, encoding, controls, ring
}
criterion_main!(benches);
