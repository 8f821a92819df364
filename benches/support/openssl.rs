//! Big numbers of the OpenSSL library, which is loaded at run time and not linked.

#![allow(unsafe_code, reason = "calls functions of a C library")]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::rc::Rc;

use libloading::{Library, Symbol};
use num_bigint::BigUint;

type Number = *mut c_void;

/// OpenSSL's functions and a prepared modulus.
pub(crate) struct OpenSsl {
    bin2bn: unsafe extern "C" fn(*const u8, c_int, Number) -> Number,
    bn2binpad: unsafe extern "C" fn(Number, *mut u8, c_int) -> c_int,
    free: unsafe extern "C" fn(Number),
    mod_exp_consttime:
        unsafe extern "C" fn(Number, Number, Number, Number, *mut c_void, *mut c_void) -> c_int,
    modulus: Number,
    context: *mut c_void,
    montgomery: *mut c_void,
    version: String,
    _library: Rc<Library>,
}

/// The bytes of a number below N.
const BYTES: usize = 384;

impl OpenSsl {
    /// Loads the library under one of its usual names. Returns `None` if the machine does not have it.
    pub(crate) fn load(n: &BigUint) -> Option<Self> {
        let names = ["libcrypto.so.3", "libcrypto.so.4", "libcrypto.so", "libcrypto.3.dylib"];
        // SAFETY: loading OpenSSL runs its initializers, which are safe to run on load.
        let library = names.iter().find_map(|name| unsafe { Library::new(*name) }.ok())?;
        // SAFETY: the types are those of OpenSSL's headers, version 3, unchanged since 1.1.
        unsafe {
            let new: Symbol<'_, unsafe extern "C" fn() -> *mut c_void> = library.get(b"BN_CTX_new").ok()?;
            let context = new();
            let new: Symbol<'_, unsafe extern "C" fn() -> *mut c_void> =
                library.get(b"BN_MONT_CTX_new").ok()?;
            let montgomery = new();
            let bin2bn: Symbol<'_, unsafe extern "C" fn(*const u8, c_int, Number) -> Number> =
                library.get(b"BN_bin2bn").ok()?;
            let bytes = n.to_bytes_be();
            let modulus = bin2bn(bytes.as_ptr(), c_int::try_from(bytes.len()).ok()?, std::ptr::null_mut());
            let set: Symbol<'_, unsafe extern "C" fn(*mut c_void, Number, *mut c_void) -> c_int> =
                library.get(b"BN_MONT_CTX_set").ok()?;
            if set(montgomery, modulus, context) != 1 {
                return None;
            }
            let version: Symbol<'_, unsafe extern "C" fn(c_int) -> *const c_char> =
                library.get(b"OpenSSL_version").ok()?;
            let version = CStr::from_ptr(version(0)).to_string_lossy().into_owned();
            Some(Self {
                bin2bn: *bin2bn,
                bn2binpad: *library.get(b"BN_bn2binpad").ok()?,
                free: *library.get(b"BN_free").ok()?,
                mod_exp_consttime: *library.get(b"BN_mod_exp_mont_consttime").ok()?,
                modulus,
                context,
                montgomery,
                version,
                _library: Rc::new(library),
            })
        }
    }

    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    fn number(&self, value: &BigUint) -> Number {
        let bytes = value.to_bytes_be();
        let length = c_int::try_from(bytes.len()).expect("the number has a few thousand bits");
        // SAFETY: the slice has `length` bytes, and a null pointer requests a new number.
        unsafe { (self.bin2bn)(bytes.as_ptr(), length, std::ptr::null_mut()) }
    }

    /// Computes base^exponent mod N with `BN_mod_exp_mont_consttime`, including conversions.
    pub(crate) fn power(&self, base: &BigUint, exponent: &BigUint) -> BigUint {
        let power = self.prepared(base, exponent);
        power.raise();
        let mut bytes = [0; BYTES];
        // SAFETY: the buffer has `BYTES` bytes.
        let written = unsafe { (self.bn2binpad)(power.result, bytes.as_mut_ptr(), BYTES as c_int) };
        assert_eq!(written, BYTES as c_int, "OpenSSL returned no number");
        BigUint::from_bytes_be(&bytes)
    }

    /// Prepares a power that can be computed repeatedly.
    pub(crate) fn prepared(&self, base: &BigUint, exponent: &BigUint) -> Prepared<'_> {
        let zero = BigUint::ZERO;
        Prepared {
            openssl: self,
            base: self.number(base),
            exponent: self.number(exponent),
            result: self.number(&zero),
        }
    }
}

/// The numbers of a power, owned by OpenSSL.
pub(crate) struct Prepared<'a> {
    openssl: &'a OpenSsl,
    base: Number,
    exponent: Number,
    result: Number,
}

impl Prepared<'_> {
    pub(crate) fn raise(&self) {
        let openssl = self.openssl;
        // SAFETY: OpenSSL created all numbers and contexts, and they are still allocated.
        let done = unsafe {
            (openssl.mod_exp_consttime)(
                self.result,
                self.base,
                self.exponent,
                openssl.modulus,
                openssl.context,
                openssl.montgomery,
            )
        };
        assert_eq!(done, 1, "OpenSSL computed no power");
    }
}

impl Drop for Prepared<'_> {
    fn drop(&mut self) {
        for number in [self.base, self.exponent, self.result] {
            // SAFETY: OpenSSL created the numbers, and no other code uses them.
            unsafe { (self.openssl.free)(number) };
        }
    }
}
