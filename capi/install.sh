#!/bin/sh
# Builds the library for C and C++ and installs it:
#
#     capi/install.sh PREFIX
#     capi/install.sh PREFIX FOLDER    what lies built in FOLDER already, such as target/debug
#
# PREFIX is an absolute path, such as /usr/local. The environment may name LIBDIR, if it is not PREFIX/lib, and
# DESTDIR, a folder to put everything under, for packages.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
case ${1-} in
    /*) prefix=$1 ;;
    *) echo "usage: $0 PREFIX [FOLDER], with an absolute path as PREFIX" >&2; exit 2 ;;
esac
libdir=${LIBDIR:-$prefix/lib}
built=${2-}
if [ -z "$built" ]; then
    # The library, and the program that serves modules in processes of their own.
    (cd "$here/.." && cargo build --release -p ringfence-capi --lib -p ringfence --bin ringfence-worker)
    built=${CARGO_TARGET_DIR:-$here/../target}/release
fi
# The ABI is the number in the soname, which build.rs gives the library.
abi=$(sed -n 's/^#define RF_ABI_VERSION //p' "$here/include/ringfence_host.h")
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' "$here/../Cargo.toml")

include=${DESTDIR-}$prefix/include
lib=${DESTDIR-}$libdir
mkdir -p "$include" "$lib/pkgconfig"
install -m 644 "$here/include/ringfence_host.h" "$include/"
# Not into the file that a running program may have mapped: `install` makes a new one.
install -m 755 "$built/libringfence_capi.so" "$lib/libringfence.so.$abi.$version"
ln -sf "libringfence.so.$abi.$version" "$lib/libringfence.so.$abi"
ln -sf "libringfence.so.$abi" "$lib/libringfence.so"
# A folder may have been built without it.
if [ -x "$built/ringfence-worker" ]; then
    install -m 755 -D "$built/ringfence-worker" "${DESTDIR-}$prefix/libexec/ringfence-worker"
fi
install -m 644 "$built/libringfence_capi.a" "$lib/libringfence.a"
sed -e "s|@prefix@|$prefix|; s|@libdir@|$libdir|; s|@version@|$version|" "$here/ringfence.pc.in" \
    >"$lib/pkgconfig/ringfence.pc"
