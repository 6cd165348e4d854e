//! How long a large interface takes, from text to Rust: `cargo bench -p ringfence-mojom`.
//!
//! A thousand structs of ten fields each, as no pipeline will ever have, should take less than a second.

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use ringfence_mojom::configure;
use ringfence_mojom::format::format_text;

const STRUCTS: usize = 1000;
const TYPES: [&str; 10] = [
    "uint8",
    "int16",
    "uint32",
    "int64",
    "float",
    "double",
    "bool",
    "string",
    "array<uint32>",
    "map<uint32, string>",
];

fn large() -> String {
    let mut text = "module large;\n".to_owned();
    for index in 0..STRUCTS {
        let _ = writeln!(text, "/** \\brief Number {index} */\nstruct Part{index} {{");
        for (place, ty) in TYPES.iter().enumerate() {
            let _ = writeln!(text, "\t{ty} fieldNumber{place};");
        }
        text.push_str("};\n\n");
    }
    text
}

fn compile(criterion: &mut Criterion) {
    let text = large();
    let mut group = criterion.benchmark_group("1000 structs of 10 fields");
    group.sample_size(10);
    group.bench_function("check", |bencher| {
        bencher.iter(|| configure().check_text("large.mojom", black_box(&text)).unwrap());
    });
    group.bench_function("compile to Rust", |bencher| {
        bencher.iter(|| configure().compile_text("large.mojom", black_box(&text)).unwrap());
    });
    group.bench_function("format", |bencher| {
        bencher.iter(|| format_text("large.mojom", black_box(&text)).unwrap());
    });
    group.finish();
}

criterion_group!(benches, compile);
criterion_main!(benches);
