//! What stands before the camera: a flat picture of reflectances.
#![forbid(unsafe_code)]

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read, Seek};
use std::path::{Path, PathBuf};

use image::{DynamicImage, ImageDecoder, ImageReader, Limits};

use super::chart::Chart;
use super::colour::srgb_to_linear;
use super::resample::cover;
use crate::rpi::imx219;

/// Most pixels a picture file may have.
const MAX_PIXELS: u64 = 100_000_000;

/// Most bytes the decoder may allocate.
const MAX_DECODER_BYTES: u64 = 1 << 30;

/// Why there is no scene.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SceneError {
    /// No file of this name.
    #[error("the picture {} does not exist; check the path, or use the built-in chart", path.display())]
    NotFound {
        /// File asked for.
        path: PathBuf,
    },
    /// The file is there but cannot be read.
    #[error("the picture {} cannot be read ({source}); check that it is a file and that you may read it", path.display())]
    Read {
        /// File asked for.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is neither a PNG nor a JPEG picture, or is damaged.
    #[error("the picture {} cannot be decoded ({source}); give an undamaged PNG or JPEG file", path.display())]
    Undecodable {
        /// File asked for.
        path: PathBuf,
        /// What the decoder said.
        source: image::ImageError,
    },
    /// The picture has more pixels than anything that could be of use.
    #[error("the picture {} has {width}×{height} pixels, more than the {MAX_PIXELS} allowed; scale it down, the sensor has only 3280×2464", path.display())]
    TooLarge {
        /// File asked for.
        path: PathBuf,
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// The file holds no pixels.
    #[error("the picture {} is empty; give a PNG or JPEG file of at least one pixel", path.display())]
    EmptyFile {
        /// File asked for.
        path: PathBuf,
    },
    /// A scene of no pixels, or of another number of pixels than its sides say, was asked for.
    #[error(
        "a scene of {width}×{height} cannot be made of {pixels} pixels; give sides of at least one pixel each and their product of pixels"
    )]
    Shape {
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
        /// Pixels given.
        pixels: usize,
    },
}

/// A picture of reflectances in linear sRGB (white D65): 1 is a perfect white, 0.18 a grey card.
///
/// Takes 12 bytes a pixel and at most 97 MB, as pictures larger than the sensor's array are shrunk to it.
///
/// ```
/// use ringfence::rpi::camera::{Scene, SceneError};
///
/// let card = Scene::from_linear(2, 1, vec![[0.18; 3], [0.9; 3]])?;
/// assert_eq!(card.scaled(64, 48)?.pixels().len(), 64 * 48);
/// assert!(matches!(Scene::open("/nowhere.png"), Err(SceneError::NotFound { .. })));
/// # Ok::<_, SceneError>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct Scene {
    width: u32,
    height: u32,
    pixels: Vec<[f32; 3]>,
}

impl std::fmt::Debug for Scene {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Scene")
            .field("width", &self.width)
            .field("height", &self.height)
            .finish_non_exhaustive()
    }
}

impl Scene {
    /// The 24-patch colour chart on a grey card, drawn for a picture of `width` by `height` pixels: see [`Chart`].
    ///
    /// # Errors
    /// [`SceneError::Shape`] if a side is zero.
    pub fn chart(width: u32, height: u32) -> Result<Self, SceneError> {
        if width == 0 || height == 0 {
            return Err(SceneError::Shape { width, height, pixels: 0 });
        }
        Self::from_linear(width, height, Chart::draw(width, height))
    }

    /// A scene of given reflectances, row-major.
    ///
    /// # Errors
    /// [`SceneError::Shape`] if a side is zero or the number of pixels is not the product of the sides.
    pub fn from_linear(width: u32, height: u32, pixels: Vec<[f32; 3]>) -> Result<Self, SceneError> {
        let expected = u64::from(width) * u64::from(height);
        if expected == 0 || pixels.len() as u64 != expected {
            return Err(SceneError::Shape { width, height, pixels: pixels.len() });
        }
        Ok(Self { width, height, pixels })
    }

    /// Reads a PNG or JPEG picture, taken as sRGB whatever profile it names; transparency is ignored, the
    /// orientation that a camera noted is heeded.
    ///
    /// # Errors
    /// [`SceneError`]: no such file, unreadable, empty, not a picture, or more than 100 million pixels.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, SceneError> {
        let path = path.as_ref();
        let read = |source: std::io::Error| match source.kind() {
            ErrorKind::NotFound => SceneError::NotFound { path: path.into() },
            _ => SceneError::Read { path: path.into(), source },
        };
        let mut file = BufReader::new(File::open(path).map_err(read)?);
        let mut head = Vec::with_capacity(24);
        file.by_ref().take(24).read_to_end(&mut head).map_err(read)?;
        if head.is_empty() || is_png_without_pixels(&head) {
            return Err(SceneError::EmptyFile { path: path.into() });
        }
        file.rewind().map_err(read)?;

        let undecodable = |source| match source {
            image::ImageError::IoError(source) if source.kind() != ErrorKind::UnexpectedEof => read(source),
            source => SceneError::Undecodable { path: path.into(), source },
        };
        let mut reader = ImageReader::new(file).with_guessed_format().map_err(read)?;
        let mut limits = Limits::default();
        limits.max_alloc = Some(MAX_DECODER_BYTES);
        reader.limits(limits);
        let mut decoder = reader.into_decoder().map_err(undecodable)?;
        let (width, height) = decoder.dimensions();
        if u64::from(width) * u64::from(height) > MAX_PIXELS {
            return Err(SceneError::TooLarge { path: path.into(), width, height });
        }
        if width == 0 || height == 0 {
            return Err(SceneError::EmptyFile { path: path.into() });
        }
        // An unreadable note of the orientation is no reason to refuse the picture.
        let orientation = decoder.orientation().unwrap_or(image::metadata::Orientation::NoTransforms);
        let mut picture = DynamicImage::from_decoder(decoder).map_err(undecodable)?;
        picture.apply_orientation(orientation);
        Ok(Self::from_picture(picture))
    }

    /// Linear light of a decoded picture, no larger than the sensor's array.
    fn from_picture(picture: DynamicImage) -> Self {
        let (width, height) = (picture.width(), picture.height());
        let shrink = (f64::from(imx219::ACTIVE_WIDTH) / f64::from(width))
            .max(f64::from(imx219::ACTIVE_HEIGHT) / f64::from(height))
            .min(1.0);
        let side = |length: u32| ((f64::from(length) * shrink).round() as u32).max(1);
        let output = (side(width), side(height));
        let (from, to) = ((width as usize, height as usize), (output.0 as usize, output.1 as usize));
        let deep = matches!(
            picture,
            DynamicImage::ImageLuma16(_)
                | DynamicImage::ImageLumaA16(_)
                | DynamicImage::ImageRgb16(_)
                | DynamicImage::ImageRgba16(_)
        );
        let table = |levels: u32| -> Vec<f32> {
            (0..levels).map(|level| srgb_to_linear(f64::from(level) / f64::from(levels - 1)) as f32).collect()
        };
        let pixels = if deep {
            let (linear, samples) = (table(1 << 16), picture.into_rgb16());
            cover(from, to, |index| {
                std::array::from_fn(|channel| linear[usize::from(samples.as_raw()[3 * index + channel])])
            })
        } else {
            let (linear, samples) = (table(1 << 8), picture.into_rgb8());
            cover(from, to, |index| {
                std::array::from_fn(|channel| linear[usize::from(samples.as_raw()[3 * index + channel])])
            })
        };
        Self { width: output.0, height: output.1, pixels }
    }

    /// Columns.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Reflectances in linear sRGB, row-major.
    #[must_use]
    pub fn pixels(&self) -> &[[f32; 3]] {
        &self.pixels
    }

    /// The scene as a field of `width` by `height` pixels sees it: scaled in linear light until it covers the
    /// field, the rest cut off evenly. Areas are averaged when shrinking, pixels interpolated when enlarging.
    ///
    /// # Errors
    /// [`SceneError::Shape`] if a side is zero.
    pub fn scaled(&self, width: u32, height: u32) -> Result<Self, SceneError> {
        if width == 0 || height == 0 {
            return Err(SceneError::Shape { width, height, pixels: 0 });
        }
        if (width, height) == (self.width, self.height) {
            return Ok(self.clone());
        }
        let from = (self.width as usize, self.height as usize);
        let pixels = cover(from, (width as usize, height as usize), |index| self.pixels[index]);
        Ok(Self { width, height, pixels })
    }
}

/// Whether this is the head of a PNG file whose header says that a side is zero, which decoders report as any
/// other damage.
fn is_png_without_pixels(head: &[u8]) -> bool {
    head.len() >= 24
        && head.starts_with(b"\x89PNG\r\n\x1a\n")
        && (head[16..20] == [0; 4] || head[20..24] == [0; 4])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        (directory, path)
    }

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = std::io::Cursor::new(Vec::new());
        image::RgbImage::from_fn(width, height, |x, _| {
            image::Rgb([if x % 2 == 0 { 0 } else { 255 }, 128, 10])
        })
        .write_to(&mut bytes, image::ImageFormat::Png)
        .unwrap();
        bytes.into_inner()
    }

    /// `png(4, 4)` with the width and height of its header replaced, checksum and all.
    fn png_claiming(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = png(4, 4);
        bytes[16..20].copy_from_slice(&width.to_be_bytes());
        bytes[20..24].copy_from_slice(&height.to_be_bytes());
        let mut sum = !0u32;
        for byte in &bytes[12..29] {
            sum ^= u32::from(*byte);
            for _ in 0..8 {
                sum = (sum >> 1) ^ if sum & 1 == 1 { 0xedb8_8320 } else { 0 };
            }
        }
        bytes[29..33].copy_from_slice(&(!sum).to_be_bytes());
        bytes
    }

    #[test]
    fn every_failure_has_its_own_error_that_names_the_file() {
        let (_keep, text) = file("text.png", b"this is no picture at all, believe me");
        let (_keep2, truncated) = file("half.png", &png(64, 64)[..60]);
        let (_keep3, nothing) = file("nothing.jpg", b"");
        let (_keep4, flat) = file("flat.png", &png_claiming(0, 4));
        let (keep5, huge) = file("huge.png", &png_claiming(60_000, 60_000));
        let missing = keep5.path().join("missing.png");

        let error = |path: &Path| {
            let error = Scene::open(path).unwrap_err();
            let message = error.to_string();
            assert!(message.contains(&path.display().to_string()) && message.contains(';'), "{message}");
            assert!(!message.contains('\n'), "{message}");
            error
        };
        assert!(matches!(error(&missing), SceneError::NotFound { .. }));
        assert!(matches!(error(keep5.path()), SceneError::Read { .. }));
        assert!(matches!(error(&text), SceneError::Undecodable { .. }));
        assert!(matches!(error(&truncated), SceneError::Undecodable { .. }));
        assert!(matches!(error(&nothing), SceneError::EmptyFile { .. }));
        assert!(matches!(error(&flat), SceneError::EmptyFile { .. }));
        assert!(matches!(error(&huge), SceneError::TooLarge { width: 60_000, height: 60_000, .. }));
        assert!(matches!(Scene::chart(0, 5), Err(SceneError::Shape { .. })));
        assert!(matches!(
            Scene::from_linear(2, 2, vec![[0.0; 3]; 3]),
            Err(SceneError::Shape { pixels: 3, .. })
        ));
    }

    #[test]
    fn pictures_become_linear_light() {
        let (_keep, path) = file("stripes.png", &png(8, 4));
        let scene = Scene::open(path).unwrap();
        assert_eq!((scene.width(), scene.height()), (8, 4));
        assert_eq!(scene.pixels()[0][0], 0.0);
        assert_eq!(scene.pixels()[1][0], 1.0);
        assert!((scene.pixels()[0][1] - 0.215_86).abs() < 1e-4);
        // Black and white stripes blend to half the light, not to half the code value.
        let small = scene.scaled(4, 2).unwrap();
        assert!((small.pixels()[0][0] - 0.5).abs() < 1e-6);
    }

    #[test]
    fn sixteen_bits_are_kept() {
        let mut bytes = std::io::Cursor::new(Vec::new());
        image::ImageBuffer::<image::Rgb<u16>, _>::from_pixel(2, 2, image::Rgb([1000u16, 30_000, 65_535]))
            .write_to(&mut bytes, image::ImageFormat::Png)
            .unwrap();
        let (_keep, path) = file("deep.png", &bytes.into_inner());
        let pixel = Scene::open(path).unwrap().pixels()[0];
        assert!((f64::from(pixel[0]) - srgb_to_linear(1000.0 / 65_535.0)).abs() < 1e-7);
    }

    #[test]
    fn jpeg_pictures_are_read_too() {
        let mut bytes = std::io::Cursor::new(Vec::new());
        image::RgbImage::from_pixel(32, 16, image::Rgb([128; 3]))
            .write_to(&mut bytes, image::ImageFormat::Jpeg)
            .unwrap();
        let (_keep, path) = file("named-wrongly.png", &bytes.into_inner());
        let scene = Scene::open(path).unwrap();
        assert_eq!((scene.width(), scene.height()), (32, 16));
        assert!(scene.pixels().iter().flatten().all(|value| (value - 0.215_86).abs() < 0.01));
    }
}
