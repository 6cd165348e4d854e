// Types and calls of the mojom module `corners`.
// Generated from `corners.mojom` by ringfence-mojom 0.1.0; changes belong there.

use std::collections::BTreeMap;
use ::ringfence::ipc;
use ::ringfence::serialize;
use ::ringfence::serialize::native;

/// `corners.Outer.Below`.
pub const OUTER_BELOW: i8 = -1;

/// `corners.Outer.Lowest`.
pub const OUTER_LOWEST: i64 = -0x8000000000000000;

/// `corners.Low`.
pub const LOW: i8 = -128;

/// `corners.Level.Low`.
pub const LEVEL_LOW: i8 = -1;

/// `corners.Bits`.
#[derive(Debug, Clone, Copy, Default)]
#[allow(clippy::enum_variant_names)]
pub enum Bits {
    /// `NoBits`, 0.
    #[default]
    NoBits,
    /// `BitOne`, 0x1.
    BitOne,
    /// `BitTwo`, 0x2.
    BitTwo,
    /// A number that this interface has no name for. The other side's may have one.
    Unknown(i32),
}

impl From<i32> for Bits {
    fn from(number: i32) -> Self {
        match number {
            0 => Self::NoBits,
            0x1 => Self::BitOne,
            0x2 => Self::BitTwo,
            number => Self::Unknown(number),
        }
    }
}

impl From<Bits> for i32 {
    fn from(value: Bits) -> Self {
        match value {
            Bits::NoBits => 0,
            Bits::BitOne => 0x1,
            Bits::BitTwo => 0x2,
            Bits::Unknown(number) => number,
        }
    }
}

serialize::by_number!(Bits);

impl serialize::Enum for Bits {
    const NAMED: &'static [serialize::Flag<Self>] = &[
        serialize::named("NoBits", 0),
        serialize::named("BitOne", 0x1),
        serialize::named("BitTwo", 0x2),
    ];
}

impl std::ops::BitOr for Bits {
    type Output = serialize::Flags<Self>;

    fn bitor(self, other: Self) -> Self::Output {
        serialize::Flags::from(self) | other
    }
}

/// `corners.State`.
#[derive(Debug, Clone, Copy, Default)]
pub enum State {
    /// `Unknown`, 0.
    #[default]
    Unknown,
    /// `Other`, 1.
    Other,
    /// A number that this interface has no name for. The other side's may have one.
    Unnamed(i32),
}

impl State {
    /// `Known`, another name of `Unknown`.
    pub const KNOWN: Self = Self::Unknown;
}

impl From<i32> for State {
    fn from(number: i32) -> Self {
        match number {
            0 => Self::Unknown,
            1 => Self::Other,
            number => Self::Unnamed(number),
        }
    }
}

impl From<State> for i32 {
    fn from(value: State) -> Self {
        match value {
            State::Unknown => 0,
            State::Other => 1,
            State::Unnamed(number) => number,
        }
    }
}

serialize::by_number!(State);

impl serialize::Enum for State {
    const NAMED: &'static [serialize::Flag<Self>] = &[
        serialize::named("Unknown", 0),
        serialize::named("Other", 1),
        serialize::named("Known", 0),
    ];
}

/// `corners.Outer.Kind`.
#[derive(Debug, Clone, Copy, Default)]
pub enum OuterKind {
    /// `Small`, 0.
    #[default]
    Small,
    /// `Large`, 1.
    Large,
    /// A number that this interface has no name for. The other side's may have one.
    Unknown(i32),
}

impl From<i32> for OuterKind {
    fn from(number: i32) -> Self {
        match number {
            0 => Self::Small,
            1 => Self::Large,
            number => Self::Unknown(number),
        }
    }
}

impl From<OuterKind> for i32 {
    fn from(value: OuterKind) -> Self {
        match value {
            OuterKind::Small => 0,
            OuterKind::Large => 1,
            OuterKind::Unknown(number) => number,
        }
    }
}

serialize::by_number!(OuterKind);

impl serialize::Enum for OuterKind {
    const NAMED: &'static [serialize::Flag<Self>] = &[
        serialize::named("Small", 0),
        serialize::named("Large", 1),
    ];
}

/// `corners.CornersInterface.Order`.
#[derive(Debug, Clone, Copy, Default)]
pub enum CornersInterfaceOrder {
    /// `Up`, 0.
    #[default]
    Up,
    /// `Down`, 1.
    Down,
    /// A number that this interface has no name for. The other side's may have one.
    Unknown(i32),
}

impl From<i32> for CornersInterfaceOrder {
    fn from(number: i32) -> Self {
        match number {
            0 => Self::Up,
            1 => Self::Down,
            number => Self::Unknown(number),
        }
    }
}

impl From<CornersInterfaceOrder> for i32 {
    fn from(value: CornersInterfaceOrder) -> Self {
        match value {
            CornersInterfaceOrder::Up => 0,
            CornersInterfaceOrder::Down => 1,
            CornersInterfaceOrder::Unknown(number) => number,
        }
    }
}

serialize::by_number!(CornersInterfaceOrder);

impl serialize::Enum for CornersInterfaceOrder {
    const NAMED: &'static [serialize::Flag<Self>] = &[
        serialize::named("Up", 0),
        serialize::named("Down", 1),
    ];
}

/// Where it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Place {
    /// In words.
    ///
    /// In mojom it is `nameOfPlace`.
    pub name_of_place: String,
    /// `state`, of type `corners.State`.
    pub state: State,
}

impl native::Encode for Place {
    type Wire = wire::Place;

    fn region_bytes(&self) -> usize {
        self.name_of_place.region_bytes()
    }

    fn encode<S: native::Sink + ?Sized>(
        &self,
        out: &mut native::Encoder<'_, S>,
    ) -> Self::Wire {
        wire::Place {
            name_of_place: self.name_of_place.encode(out),
            state: self.state.encode(out),
        }
    }
}

impl native::Decode for Place {
    fn decode(
        wire: &Self::Wire,
        input: &mut native::Decoder<'_>,
    ) -> Result<Self, native::DecodeError> {
        Ok(Self {
            name_of_place: native::Decode::decode(&wire.name_of_place, input)
                .map_err(|error| error.within("nameOfPlace"))?,
            state: native::Decode::decode(&wire.state, input)
                .map_err(|error| error.within("state"))?,
        })
    }
}

/// `corners.Outer`.
#[derive(Debug, Clone, PartialEq)]
pub struct Outer {
    /// `kind`, of type `corners.Outer.Kind`.
    pub kind: OuterKind,
    /// `other`, of type `corners.Outer.Kind`.
    pub other: OuterKind,
    /// `factor`, of type `double`.
    pub factor: f64,
    /// `half`, of type `float`.
    pub half: f32,
    /// `low`, of type `int8`.
    pub low: i8,
    /// `on`, of type `bool`.
    pub on: bool,
    /// `bits`, of type `array<array<bool>>`.
    pub bits: Vec<Vec<bool>>,
    /// `names`, of type `map<corners.Outer.Kind, map<int8, string>>`.
    pub names: BTreeMap<OuterKind, BTreeMap<i8, String>>,
}

impl Default for Outer {
    fn default() -> Self {
        Self {
            kind: OuterKind::Large,
            other: Default::default(),
            factor: 1e300,
            half: -0.5,
            low: -1,
            on: true,
            bits: Default::default(),
            names: Default::default(),
        }
    }
}

impl native::Encode for Outer {
    type Wire = wire::Outer;

    fn region_bytes(&self) -> usize {
        self.bits.region_bytes() + self.names.region_bytes()
    }

    fn encode<S: native::Sink + ?Sized>(
        &self,
        out: &mut native::Encoder<'_, S>,
    ) -> Self::Wire {
        wire::Outer {
            kind: self.kind.encode(out),
            other: self.other.encode(out),
            factor: self.factor.into(),
            half: self.half.into(),
            low: self.low,
            on: u8::from(self.on),
            bits: self.bits.encode(out),
            names: self.names.encode(out),
        }
    }
}

impl native::Decode for Outer {
    fn decode(
        wire: &Self::Wire,
        input: &mut native::Decoder<'_>,
    ) -> Result<Self, native::DecodeError> {
        Ok(Self {
            kind: native::Decode::decode(&wire.kind, input)
                .map_err(|error| error.within("kind"))?,
            other: native::Decode::decode(&wire.other, input)
                .map_err(|error| error.within("other"))?,
            factor: wire.factor.get(),
            half: wire.half.get(),
            low: wire.low,
            on: native::Decode::decode(&wire.on, input)
                .map_err(|error| error.within("on"))?,
            bits: native::Decode::decode(&wire.bits, input)
                .map_err(|error| error.within("bits"))?,
            names: native::Decode::decode(&wire.names, input)
                .map_err(|error| error.within("names"))?,
        })
    }
}

/// `corners.Level`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Level {
    /// `outer`, of type `corners.Outer`.
    pub outer: Outer,
}

impl native::Encode for Level {
    type Wire = wire::Level;

    fn region_bytes(&self) -> usize {
        self.outer.region_bytes()
    }

    fn encode<S: native::Sink + ?Sized>(
        &self,
        out: &mut native::Encoder<'_, S>,
    ) -> Self::Wire {
        wire::Level {
            outer: self.outer.encode(out),
        }
    }
}

impl native::Decode for Level {
    fn decode(
        wire: &Self::Wire,
        input: &mut native::Decoder<'_>,
    ) -> Result<Self, native::DecodeError> {
        Ok(Self {
            outer: native::Decode::decode(&wire.outer, input)
                .map_err(|error| error.within("outer"))?,
        })
    }
}

/// What both ends of a connection have to agree on for [`Corners`].
pub static INTERFACE: ipc::Interface = ipc::Interface {
    name: "corners.CornersInterface",
    hash: 0x0da7_bb12_945f_0747,
    methods: &[
        ipc::Method {
            name: "many",
            asynchronous: true,
        },
        ipc::Method {
            name: "all",
            asynchronous: false,
        },
        ipc::Method {
            name: "number",
            asynchronous: false,
        },
        ipc::Method {
            name: "text",
            asynchronous: false,
        },
        ipc::Method {
            name: "type",
            asynchronous: true,
        },
    ],
    events: &[],
};

/// `corners.CornersInterface`.
pub trait Corners {
    /// Method `many`.
    ///
    /// Returns before the module has done it.
    ///
    /// # Errors
    /// [`ipc::CallError`] if the module cannot be reached, or what it says cannot be read.
    #[allow(clippy::too_many_arguments)]
    fn many(
        &mut self,
        a: bool,
        b: u8,
        c: i8,
        d: u16,
        e: i16,
        f: u32,
        g: i64,
        h: f64,
    ) -> Result<(), ipc::CallError>;

    /// Method `all`.
    ///
    /// The results are (`back`, `flags`, `text`, `list`, `levels`).
    ///
    /// # Errors
    /// [`ipc::CallError`] if the module cannot be reached, or what it says cannot be read.
    #[allow(clippy::type_complexity)]
    fn all(
        &mut self,
        order: CornersInterfaceOrder,
    ) -> Result<
        (
            CornersInterfaceOrder,
            serialize::Flags<Bits>,
            String,
            Vec<String>,
            BTreeMap<bool, Level>,
        ),
        ipc::CallError,
    >;

    /// Method `number`.
    ///
    /// # Errors
    /// [`ipc::CallError`] if the module cannot be reached, or what it says cannot be read.
    fn number(&mut self) -> Result<f32, ipc::CallError>;

    /// Method `text`.
    ///
    /// # Errors
    /// [`ipc::CallError`] if the module cannot be reached, or what it says cannot be read.
    fn text(&mut self) -> Result<String, ipc::CallError>;

    /// Method `type`.
    ///
    /// Returns before the module has done it.
    ///
    /// # Errors
    /// [`ipc::CallError`] if the module cannot be reached, or what it says cannot be read.
    fn r#type(
        &mut self,
        r#match: &str,
        to: CornersInterfaceOrder,
    ) -> Result<(), ipc::CallError>;
}

/// The events of `corners.CornersInterface`.
pub trait CornersEvents {}

/// An event of [`Corners`], as a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CornersEvent {}

impl CornersEvent {
    /// Calls the method of `to` that is for this event.
    pub fn deliver(&self, _: &mut dyn CornersEvents) {
        match *self {}
    }
}

impl ipc::Event for CornersEvent {
    fn decode(number: u16, _: &mut native::Decoder<'_>) -> Result<Self, ipc::CallError> {
        Err(ipc::CallError::UnknownEvent {
            event: number,
        })
    }
}

impl CornersEvents for ipc::Emitter {}

impl CornersEvents for ipc::EventQueue<CornersEvent> {}

/// A module that implements [`Corners`], in this thread, another one or a process of its own.
///
/// Events wait until [`dispatch`](Self::dispatch) or [`next_event`](Self::next_event) takes them; the
/// descriptor of the proxy is readable while there are any. No call delivers events.
pub struct CornersProxy {
    backend: ipc::Backend<dyn Corners + Send, CornersEvent>,
}

impl CornersProxy {
    /// Runs the module that `make` builds as a plain object: calls are function calls.
    ///
    /// `make` is given where the module shall send its events.
    ///
    /// # Errors
    /// [`ipc::ConnectError`] if the process is out of descriptors.
    pub fn direct<M>(
        make: impl FnOnce(Box<dyn CornersEvents + Send>) -> M,
    ) -> Result<Self, ipc::ConnectError>
    where
        M: Corners + Send + 'static,
    {
        let module = |queue| -> Box<dyn Corners + Send> {
            Box::new(make(Box::new(queue)))
        };
        Ok(Self {
            backend: ipc::Backend::direct(module)?,
        })
    }

    /// Runs the module that `make` builds in a thread of its own.
    ///
    /// # Errors
    /// [`ipc::ConnectError`] if the thread or its connection cannot be set up.
    pub fn threaded<M>(
        options: &ipc::Options,
        make: impl FnOnce(Box<dyn CornersEvents + Send>) -> M + Send + 'static,
    ) -> Result<Self, ipc::ConnectError>
    where
        M: Corners,
    {
        let serve = move |endpoint| serve(endpoint, make);
        Ok(Self {
            backend: ipc::Backend::threaded(&INTERFACE, options, serve)?,
        })
    }

    /// Starts `worker` in a process of its own, which calls [`serve`] there.
    ///
    /// It ends with the calling *thread*, unless the options have a [nursery](ipc::Options::nursery).
    ///
    /// # Errors
    /// [`ipc::ConnectError`] if the worker does not start, or serves another interface.
    pub fn isolated(
        options: &ipc::Options,
        worker: &ipc::Worker,
    ) -> Result<Self, ipc::ConnectError> {
        Ok(Self {
            backend: ipc::Backend::isolated(&INTERFACE, options, worker)?,
        })
    }

    /// Runs what a manager has chosen, as it has chosen.
    ///
    /// # Errors
    /// [`ipc::ConnectError`] if that is not possible, or the choice is for another interface. Nothing then runs.
    pub fn open(
        choice: &ipc::manager::Choice,
        options: &ipc::Options,
    ) -> Result<Self, ipc::ConnectError> {
        Ok(Self {
            backend: ipc::Backend::open(&INTERFACE, choice, options)?,
        })
    }

    /// Where the module runs.
    #[must_use]
    pub fn mode(&self) -> ipc::Mode {
        self.backend.mode()
    }

    /// Takes the oldest event, if there is one.
    ///
    /// # Errors
    /// [`ipc::CallError`] if the module is gone, or an event cannot be read.
    pub fn next_event(&mut self) -> Result<Option<CornersEvent>, ipc::CallError> {
        self.backend.next_event()
    }

    /// Delivers the events that are there, oldest first, and returns their number.
    ///
    /// At most [`ipc::DISPATCH_LIMIT`] at a time, so that a module which never stops cannot keep its
    /// caller; the descriptor stays readable if more are there.
    ///
    /// # Errors
    /// [`ipc::CallError`] if the module is gone, or an event cannot be read.
    pub fn dispatch(
        &mut self,
        to: &mut dyn CornersEvents,
    ) -> Result<usize, ipc::CallError> {
        for count in 0..ipc::DISPATCH_LIMIT {
            match self.next_event()? {
                Some(event) => event.deliver(to),
                None => return Ok(count),
            }
        }
        self.wait(Some(std::time::Instant::now()))?;
        Ok(ipc::DISPATCH_LIMIT)
    }

    /// Waits until there is an event, and returns `false` if `deadline` passes before.
    ///
    /// # Errors
    /// [`ipc::CallError`] if the module is gone.
    pub fn wait(
        &mut self,
        deadline: Option<std::time::Instant>,
    ) -> Result<bool, ipc::CallError> {
        self.backend.wait(deadline)
    }

    /// Gives the next call this much time, whatever the connection's options say. A call of a plain object
    /// takes as long as it takes.
    pub fn deadline_of_next_call(&mut self, deadline: std::time::Duration) {
        self.backend.deadline_of_next_call(deadline);
    }

    /// Events that were dropped so far, since nobody took them: see [`ipc::OnFlood`].
    #[must_use]
    pub fn dropped_events(&self) -> u64 {
        self.backend.dropped_events()
    }

    /// The connection to the module, unless it is a plain object.
    #[must_use]
    pub fn connection(&self) -> Option<&ipc::Connection> {
        self.backend.connection()
    }

    /// The connection to the module, unless it is a plain object.
    #[must_use]
    pub fn connection_mut(&mut self) -> Option<&mut ipc::Connection> {
        self.backend.connection_mut()
    }
}

impl Corners for CornersProxy {
    #[allow(clippy::too_many_arguments)]
    fn many(
        &mut self,
        a: bool,
        b: u8,
        c: i8,
        d: u16,
        e: i16,
        f: u32,
        g: i64,
        h: f64,
    ) -> Result<(), ipc::CallError> {
        match &mut self.backend {
            ipc::Backend::Direct { module, .. } => module.many(a, b, c, d, e, f, g, h),
            ipc::Backend::Remote(connection) => {
                connection
                    .cast(
                        1,
                        &request::Many {
                            a,
                            b,
                            c,
                            d,
                            e,
                            f,
                            g,
                            h,
                        },
                    )
            }
        }
    }

    #[allow(clippy::type_complexity)]
    fn all(
        &mut self,
        order: CornersInterfaceOrder,
    ) -> Result<
        (
            CornersInterfaceOrder,
            serialize::Flags<Bits>,
            String,
            Vec<String>,
            BTreeMap<bool, Level>,
        ),
        ipc::CallError,
    > {
        match &mut self.backend {
            ipc::Backend::Direct { module, .. } => module.all(order),
            ipc::Backend::Remote(connection) => {
                connection.call(2, &request::All { order }, reply::read_all)
            }
        }
    }

    fn number(&mut self) -> Result<f32, ipc::CallError> {
        match &mut self.backend {
            ipc::Backend::Direct { module, .. } => module.number(),
            ipc::Backend::Remote(connection) => {
                connection.call(3, &request::Number, reply::read_number)
            }
        }
    }

    fn text(&mut self) -> Result<String, ipc::CallError> {
        match &mut self.backend {
            ipc::Backend::Direct { module, .. } => module.text(),
            ipc::Backend::Remote(connection) => {
                connection.call(4, &request::Text, reply::read_text)
            }
        }
    }

    fn r#type(
        &mut self,
        r#match: &str,
        to: CornersInterfaceOrder,
    ) -> Result<(), ipc::CallError> {
        match &mut self.backend {
            ipc::Backend::Direct { module, .. } => module.r#type(r#match, to),
            ipc::Backend::Remote(connection) => {
                connection.cast(5, &request::Type { r#match, to })
            }
        }
    }
}

impl std::os::fd::AsFd for CornersProxy {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.backend.as_fd()
    }
}

impl std::fmt::Debug for CornersProxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CornersProxy")
            .field("mode", &self.mode())
            .finish_non_exhaustive()
    }
}

/// Makes a linked-in module that implements [`Corners`] known to a manager:
/// [`ipc::manager::Manager::link`].
///
/// `make` is given where the module shall send its events, each time that one is opened.
pub fn linked<M>(
    make: impl Fn(Box<dyn CornersEvents + Send>) -> M + Send + Sync + 'static,
) -> ipc::manager::Linked
where
    M: Corners + Send + 'static,
{
    ipc::manager::Linked::new(
        &INTERFACE,
        move |queue: ipc::EventQueue<CornersEvent>| -> Box<dyn Corners + Send> {
            Box::new(make(Box::new(queue)))
        },
    )
}

/// Calls a module that implements [`Corners`] as messages demand.
pub struct CornersDispatcher<M> {
    module: M,
}

impl<M: Corners> CornersDispatcher<M> {
    /// A dispatcher of calls to `module`.
    #[must_use]
    pub fn new(module: M) -> Self {
        Self { module }
    }
}

impl<M> std::fmt::Debug for CornersDispatcher<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CornersDispatcher").finish_non_exhaustive()
    }
}

impl<M: Corners> ipc::Dispatch for CornersDispatcher<M> {
    fn dispatch(
        &mut self,
        method: u16,
        mut input: native::Decoder<'_>,
        reply: ipc::Reply<'_>,
    ) -> Result<(), ipc::CallError> {
        match method {
            1 => {
                let (a, b, c, d, e, f, g, h) = request::read_many(&mut input)?;
                input.finish()?;
                self.module.many(a, b, c, d, e, f, g, h)
            }
            2 => {
                let order = request::read_all(&mut input)?;
                input.finish()?;
                let (back, flags, text, list, levels) = self.module.all(order)?;
                reply
                    .send(
                        &reply::All {
                            back,
                            flags,
                            text: &text,
                            list: &list,
                            levels: &levels,
                        },
                    )
            }
            3 => {
                input.finish()?;
                let number = self.module.number()?;
                reply.send(&reply::Number { number })
            }
            4 => {
                input.finish()?;
                let text = self.module.text()?;
                reply.send(&reply::Text { text: &text })
            }
            5 => {
                let (r#match, to) = request::read_type(&mut input)?;
                input.finish()?;
                self.module.r#type(&r#match, to)
            }
            _ => {
                Err(ipc::CallError::UnknownMethod {
                    method,
                })
            }
        }
    }
}

/// Builds a module that implements [`Corners`] and serves it to the host at `endpoint`, until the
/// host is gone.
///
/// `make` is given where the module shall send its events.
///
/// # Errors
/// [`ipc::ServeError`] if the host wants another interface, or the connection fails.
pub fn serve<M: Corners>(
    endpoint: ipc::Endpoint,
    make: impl FnOnce(Box<dyn CornersEvents + Send>) -> M,
) -> Result<(), ipc::ServeError> {
    endpoint.serve(&INTERFACE, |emitter| CornersDispatcher::new(make(Box::new(emitter))))
}

/// Parameters of the methods, as they are sent.
mod request {
    use ::ringfence::serialize::native;

    /// Parameters of `many`.
    pub(super) struct Many {
        pub(super) a: bool,
        pub(super) b: u8,
        pub(super) c: i8,
        pub(super) d: u16,
        pub(super) e: i16,
        pub(super) f: u32,
        pub(super) g: i64,
        pub(super) h: f64,
    }

    impl native::Encode for Many {
        type Wire = super::wire::request::Many;

        fn region_bytes(&self) -> usize {
            0
        }

        fn encode<S: native::Sink + ?Sized>(
            &self,
            _: &mut native::Encoder<'_, S>,
        ) -> Self::Wire {
            super::wire::request::Many {
                a: u8::from(self.a),
                b: self.b,
                c: self.c,
                d: self.d.into(),
                e: self.e.into(),
                f: self.f.into(),
                g: self.g.into(),
                h: self.h.into(),
            }
        }
    }

    /// Reads the parameters of `many`.
    #[allow(clippy::type_complexity)]
    pub(super) fn read_many(
        input: &mut native::Decoder<'_>,
    ) -> Result<(bool, u8, i8, u16, i16, u32, i64, f64), native::DecodeError> {
        let wire = input.fixed::<super::wire::request::Many>()?;
        Ok((
            native::Decode::decode(&wire.a, input).map_err(|error| error.within("a"))?,
            wire.b,
            wire.c,
            wire.d.get(),
            wire.e.get(),
            wire.f.get(),
            wire.g.get(),
            wire.h.get(),
        ))
    }

    /// Parameters of `all`.
    pub(super) struct All {
        pub(super) order: super::CornersInterfaceOrder,
    }

    impl native::Encode for All {
        type Wire = super::wire::request::All;

        fn region_bytes(&self) -> usize {
            0
        }

        fn encode<S: native::Sink + ?Sized>(
            &self,
            out: &mut native::Encoder<'_, S>,
        ) -> Self::Wire {
            super::wire::request::All {
                order: self.order.encode(out),
            }
        }
    }

    /// Reads the parameters of `all`.
    pub(super) fn read_all(
        input: &mut native::Decoder<'_>,
    ) -> Result<super::CornersInterfaceOrder, native::DecodeError> {
        let wire = input.fixed::<super::wire::request::All>()?;
        native::Decode::decode(&wire.order, input).map_err(|error| error.within("order"))
    }

    /// Parameters of `number`.
    pub(super) struct Number;

    impl native::Encode for Number {
        type Wire = ();

        fn region_bytes(&self) -> usize {
            0
        }

        fn encode<S: native::Sink + ?Sized>(
            &self,
            _: &mut native::Encoder<'_, S>,
        ) -> Self::Wire {}
    }

    /// Parameters of `text`.
    pub(super) struct Text;

    impl native::Encode for Text {
        type Wire = ();

        fn region_bytes(&self) -> usize {
            0
        }

        fn encode<S: native::Sink + ?Sized>(
            &self,
            _: &mut native::Encoder<'_, S>,
        ) -> Self::Wire {}
    }

    /// Parameters of `type`.
    pub(super) struct Type<'a> {
        pub(super) r#match: &'a str,
        pub(super) to: super::CornersInterfaceOrder,
    }

    impl native::Encode for Type<'_> {
        type Wire = super::wire::request::Type;

        fn region_bytes(&self) -> usize {
            self.r#match.region_bytes()
        }

        fn encode<S: native::Sink + ?Sized>(
            &self,
            out: &mut native::Encoder<'_, S>,
        ) -> Self::Wire {
            super::wire::request::Type {
                r#match: self.r#match.encode(out),
                to: self.to.encode(out),
            }
        }
    }

    /// Reads the parameters of `type`.
    pub(super) fn read_type(
        input: &mut native::Decoder<'_>,
    ) -> Result<(String, super::CornersInterfaceOrder), native::DecodeError> {
        let wire = input.fixed::<super::wire::request::Type>()?;
        Ok((
            native::Decode::decode(&wire.r#match, input)
                .map_err(|error| error.within("match"))?,
            native::Decode::decode(&wire.to, input).map_err(|error| error.within("to"))?,
        ))
    }
}

/// Results of the methods, as they are sent.
mod reply {
    use std::collections::BTreeMap;
    use ::ringfence::serialize;
    use ::ringfence::serialize::native;

    /// Results of `all`.
    pub(super) struct All<'a> {
        pub(super) back: super::CornersInterfaceOrder,
        pub(super) flags: serialize::Flags<super::Bits>,
        pub(super) text: &'a str,
        pub(super) list: &'a [String],
        pub(super) levels: &'a BTreeMap<bool, super::Level>,
    }

    impl native::Encode for All<'_> {
        type Wire = super::wire::reply::All;

        fn region_bytes(&self) -> usize {
            self.text.region_bytes() + self.list.region_bytes()
                + self.levels.region_bytes()
        }

        fn encode<S: native::Sink + ?Sized>(
            &self,
            out: &mut native::Encoder<'_, S>,
        ) -> Self::Wire {
            super::wire::reply::All {
                back: self.back.encode(out),
                flags: self.flags.encode(out),
                text: self.text.encode(out),
                list: self.list.encode(out),
                levels: self.levels.encode(out),
            }
        }
    }

    /// Reads the results of `all`.
    #[allow(clippy::type_complexity)]
    pub(super) fn read_all(
        input: &mut native::Decoder<'_>,
    ) -> Result<
        (
            super::CornersInterfaceOrder,
            serialize::Flags<super::Bits>,
            String,
            Vec<String>,
            BTreeMap<bool, super::Level>,
        ),
        native::DecodeError,
    > {
        let wire = input.fixed::<super::wire::reply::All>()?;
        Ok((
            native::Decode::decode(&wire.back, input)
                .map_err(|error| error.within("back"))?,
            native::Decode::decode(&wire.flags, input)
                .map_err(|error| error.within("flags"))?,
            native::Decode::decode(&wire.text, input)
                .map_err(|error| error.within("text"))?,
            native::Decode::decode(&wire.list, input)
                .map_err(|error| error.within("list"))?,
            native::Decode::decode(&wire.levels, input)
                .map_err(|error| error.within("levels"))?,
        ))
    }

    /// Results of `number`.
    pub(super) struct Number {
        pub(super) number: f32,
    }

    impl native::Encode for Number {
        type Wire = super::wire::reply::Number;

        fn region_bytes(&self) -> usize {
            0
        }

        fn encode<S: native::Sink + ?Sized>(
            &self,
            _: &mut native::Encoder<'_, S>,
        ) -> Self::Wire {
            super::wire::reply::Number {
                number: self.number.into(),
            }
        }
    }

    /// Reads the results of `number`.
    pub(super) fn read_number(
        input: &mut native::Decoder<'_>,
    ) -> Result<f32, native::DecodeError> {
        let wire = input.fixed::<super::wire::reply::Number>()?;
        Ok(wire.number.get())
    }

    /// Results of `text`.
    pub(super) struct Text<'a> {
        pub(super) text: &'a str,
    }

    impl native::Encode for Text<'_> {
        type Wire = super::wire::reply::Text;

        fn region_bytes(&self) -> usize {
            self.text.region_bytes()
        }

        fn encode<S: native::Sink + ?Sized>(
            &self,
            out: &mut native::Encoder<'_, S>,
        ) -> Self::Wire {
            super::wire::reply::Text {
                text: self.text.encode(out),
            }
        }
    }

    /// Reads the results of `text`.
    pub(super) fn read_text(
        input: &mut native::Decoder<'_>,
    ) -> Result<String, native::DecodeError> {
        let wire = input.fixed::<super::wire::reply::Text>()?;
        native::Decode::decode(&wire.text, input).map_err(|error| error.within("text"))
    }
}

/// Fixed parts of the native encoding. Fields have the names of those that they hold.
#[allow(missing_docs)]
pub mod wire {
    use ::ringfence::serialize::native;
    use ::ringfence::zerocopy::byteorder::little_endian as le;
    use ::ringfence::zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

    /// Fixed part of [`Place`](super::Place).
    #[derive(
        Debug,
        Clone,
        Copy,
        FromBytes,
        IntoBytes,
        Immutable,
        KnownLayout,
        Unaligned
    )]
    #[zerocopy(crate = "::ringfence::zerocopy")]
    #[repr(C)]
    pub struct Place {
        pub name_of_place: native::Span,
        pub state: le::I32,
    }

    /// Fixed part of [`Outer`](super::Outer).
    #[derive(
        Debug,
        Clone,
        Copy,
        FromBytes,
        IntoBytes,
        Immutable,
        KnownLayout,
        Unaligned
    )]
    #[zerocopy(crate = "::ringfence::zerocopy")]
    #[repr(C)]
    pub struct Outer {
        pub kind: le::I32,
        pub other: le::I32,
        pub factor: le::F64,
        pub half: le::F32,
        pub low: i8,
        pub on: u8,
        pub bits: native::Span,
        pub names: native::Span,
    }

    /// Fixed part of [`Level`](super::Level).
    #[derive(
        Debug,
        Clone,
        Copy,
        FromBytes,
        IntoBytes,
        Immutable,
        KnownLayout,
        Unaligned
    )]
    #[zerocopy(crate = "::ringfence::zerocopy")]
    #[repr(C)]
    pub struct Level {
        pub outer: Outer,
    }

    /// Fixed parts of the parameters of methods.
    pub mod request {
        use ::ringfence::serialize::native;
        use ::ringfence::zerocopy::byteorder::little_endian as le;
        use ::ringfence::zerocopy::{
            FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned,
        };

        /// Fixed part of the parameters of `many`.
        #[derive(
            Debug,
            Clone,
            Copy,
            FromBytes,
            IntoBytes,
            Immutable,
            KnownLayout,
            Unaligned
        )]
        #[zerocopy(crate = "::ringfence::zerocopy")]
        #[repr(C)]
        pub struct Many {
            pub a: u8,
            pub b: u8,
            pub c: i8,
            pub d: le::U16,
            pub e: le::I16,
            pub f: le::U32,
            pub g: le::I64,
            pub h: le::F64,
        }

        /// Fixed part of the parameters of `all`.
        #[derive(
            Debug,
            Clone,
            Copy,
            FromBytes,
            IntoBytes,
            Immutable,
            KnownLayout,
            Unaligned
        )]
        #[zerocopy(crate = "::ringfence::zerocopy")]
        #[repr(C)]
        pub struct All {
            pub order: le::I32,
        }

        /// Fixed part of the parameters of `type`.
        #[derive(
            Debug,
            Clone,
            Copy,
            FromBytes,
            IntoBytes,
            Immutable,
            KnownLayout,
            Unaligned
        )]
        #[zerocopy(crate = "::ringfence::zerocopy")]
        #[repr(C)]
        pub struct Type {
            pub r#match: native::Span,
            pub to: le::I32,
        }
    }

    /// Fixed parts of the results of methods.
    pub mod reply {
        use ::ringfence::serialize::native;
        use ::ringfence::zerocopy::byteorder::little_endian as le;
        use ::ringfence::zerocopy::{
            FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned,
        };

        /// Fixed part of the results of `all`.
        #[derive(
            Debug,
            Clone,
            Copy,
            FromBytes,
            IntoBytes,
            Immutable,
            KnownLayout,
            Unaligned
        )]
        #[zerocopy(crate = "::ringfence::zerocopy")]
        #[repr(C)]
        pub struct All {
            pub back: le::I32,
            pub flags: le::U32,
            pub text: native::Span,
            pub list: native::Span,
            pub levels: native::Span,
        }

        /// Fixed part of the results of `number`.
        #[derive(
            Debug,
            Clone,
            Copy,
            FromBytes,
            IntoBytes,
            Immutable,
            KnownLayout,
            Unaligned
        )]
        #[zerocopy(crate = "::ringfence::zerocopy")]
        #[repr(C)]
        pub struct Number {
            pub number: le::F32,
        }

        /// Fixed part of the results of `text`.
        #[derive(
            Debug,
            Clone,
            Copy,
            FromBytes,
            IntoBytes,
            Immutable,
            KnownLayout,
            Unaligned
        )]
        #[zerocopy(crate = "::ringfence::zerocopy")]
        #[repr(C)]
        pub struct Text {
            pub text: native::Span,
        }
    }
}
