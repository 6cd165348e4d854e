//! Light that changes.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use ringfence::rpi::camera::Light;

/// Frames for which the light stays.
const SCENE: u64 = 90;

/// The light of a camera's frame: another one every few seconds, and never quite the same in between.
pub fn light(seed: u64, camera: u64, frame: u64) -> Light {
    let mut random = ChaCha8Rng::seed_from_u64(seed ^ 0x11_6874);
    random.set_stream(camera);
    random.set_word_pos(u128::from(frame / SCENE) * 16);
    let lux = 50.0 * 100f64.powf(random.random());
    let kelvin = random.random_range(2800.0..7000.0);
    let flicker = 1.0 + 0.02 * (frame as f64 * 0.7).sin();
    Light::new(kelvin, lux * flicker).expect("the light is one that can be")
}
