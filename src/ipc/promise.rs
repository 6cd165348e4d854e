//! What a type promises about threads, said beside the type and checked by the compiler.

/// Fails to compile unless the type is, or is not, what is said of it.
///
/// `!Sync` is a promise too: that a `&Connection` cannot be used from two threads is what lets its methods do without locks.
macro_rules! promise {
    (@ $type:ty, Send $(, $($rest:tt)+)?) => {
        const _: fn() = || { fn is_send<T: Send + ?Sized>() {} is_send::<$type>() };
        $($crate::ipc::promise!(@ $type, $($rest)+);)?
    };
    (@ $type:ty, Sync $(, $($rest:tt)+)?) => {
        const _: fn() = || { fn is_sync<T: Sync + ?Sized>() {} is_sync::<$type>() };
        $($crate::ipc::promise!(@ $type, $($rest)+);)?
    };
    (@ $type:ty, !Sync $(, $($rest:tt)+)?) => {
        const _: fn() = || {
            // Which of the two is meant can only be found out if the second one is not there.
            trait IsNot<Which> { fn sync() {} }
            #[allow(dead_code, reason = "it is only a name")]
            struct Other;
            impl<T: ?Sized> IsNot<()> for T {}
            impl<T: ?Sized + Sync> IsNot<Other> for T {}
            <$type as IsNot<_>>::sync()
        };
        $($crate::ipc::promise!(@ $type, $($rest)+);)?
    };
    ($type:ty: $($promise:tt)+) => {
        $crate::ipc::promise!(@ $type, $($promise)+);
    };
}

pub(crate) use promise;
