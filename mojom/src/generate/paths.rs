//! Types and values of mojom, written in Rust.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;

use super::Generator;
use crate::model::{Builtin, Constant, EnumId, ModuleId, StructId, StructKind, Type};
use crate::naming::{const_name, ident, type_name, variant_name};

/// Module names that generated code has a use for.
const OWN_MODULES: [&str; 9] =
    ["ipc", "serialize", "native", "wire", "request", "reply", "event", "std", "le"];

impl Generator<'_> {
    /// What generated code calls an imported module.
    pub(super) fn alias(&self, module: &str) -> Ident {
        let path = self.settings.externs.get(module).map_or(module, String::as_str);
        let last = path.rsplit("::").next().unwrap_or(path).trim().replace("r#", "");
        ident(&if OWN_MODULES.contains(&last.as_str()) { format!("{last}_") } else { last })
    }

    /// The path to an item of `module`, where `own` leads to the items of this one.
    fn item(&self, module: ModuleId, name: &str, own: &TokenStream) -> TokenStream {
        let name = ident(name);
        if module == self.id {
            return quote! { #own #name };
        }
        let alias = self.alias(&self.model.modules[module.0].name);
        quote! { #alias::#name }
    }

    pub(super) fn enum_path(&self, id: EnumId, own: &TokenStream) -> TokenStream {
        let enumeration = self.model.enumeration(id);
        self.item(enumeration.module, &type_name(&enumeration.name), own)
    }

    pub(super) fn struct_path(&self, id: StructId, own: &TokenStream) -> TokenStream {
        let structure = self.model.structure(id);
        let name = type_name(&structure.name);
        if structure.kind == StructKind::RuntimeType {
            let name = ident(&name);
            return quote! { serialize::#name };
        }
        self.item(structure.module, &name, own)
    }

    /// The type of an owned value. `own` leads to the items of this module.
    pub(super) fn owned(&self, ty: &Type, own: &TokenStream) -> TokenStream {
        match ty {
            Type::Bool => quote! { bool },
            Type::Integer { bits, signed } => {
                let name = ident(&format!("{}{bits}", if *signed { 'i' } else { 'u' }));
                quote! { #name }
            }
            Type::Float => quote! { f32 },
            Type::Double => quote! { f64 },
            Type::String => quote! { String },
            Type::Enum(id) => self.enum_path(*id, own),
            Type::Flags(id) => {
                let path = self.enum_path(*id, own);
                quote! { serialize::Flags<#path> }
            }
            Type::Struct(id) => self.struct_path(*id, own),
            Type::Builtin(builtin) => {
                let name = ident(builtin.rust());
                quote! { serialize::#name }
            }
            Type::Array { element, .. } => {
                let element = self.owned(element, own);
                quote! { Vec<#element> }
            }
            Type::Map { key, value } => {
                let (key, value) = (self.owned(key, own), self.owned(value, own));
                quote! { BTreeMap<#key, #value> }
            }
        }
    }

    /// The type that a value is passed as.
    pub(super) fn passed(&self, ty: &Type, own: &TokenStream, lifetime: &TokenStream) -> TokenStream {
        if is_by_value(ty) {
            return self.owned(ty, own);
        }
        match ty {
            Type::String => quote! { & #lifetime str },
            Type::Array { element, .. } => {
                let element = self.owned(element, own);
                quote! { & #lifetime [#element] }
            }
            _ => {
                let ty = self.owned(ty, own);
                quote! { & #lifetime #ty }
            }
        }
    }

    /// The fixed part of a value. `own` leads to the fixed parts of this module's structs.
    pub(super) fn fixed(&self, ty: &Type, own: &TokenStream) -> TokenStream {
        match ty {
            Type::Bool => quote! { u8 },
            Type::Integer { bits: 8, signed } => {
                if *signed {
                    quote! { i8 }
                } else {
                    quote! { u8 }
                }
            }
            Type::Integer { bits, signed } => {
                let name = ident(&format!("{}{bits}", if *signed { 'I' } else { 'U' }));
                quote! { le::#name }
            }
            Type::Float => quote! { le::F32 },
            Type::Double => quote! { le::F64 },
            Type::Enum(_) => quote! { le::I32 },
            Type::Flags(_) | Type::Builtin(Builtin::SharedFd) => quote! { le::U32 },
            Type::Struct(id) => {
                let structure = self.model.structure(*id);
                let name = ident(&type_name(&structure.name));
                if structure.module == self.id {
                    return quote! { #own #name };
                }
                let alias = self.alias(&self.model.modules[structure.module.0].name);
                quote! { #alias::wire::#name }
            }
            Type::Builtin(Builtin::Plane) => unreachable!("planes only occur in arrays and maps"),
            Type::String | Type::Builtin(_) | Type::Array { .. } | Type::Map { .. } => {
                quote! { native::Span }
            }
        }
    }

    /// An enumerator: a variant, or a constant if another one has its value.
    pub(super) fn enumerator(&self, of: EnumId, index: usize) -> TokenStream {
        let path = self.enum_path(of, &TokenStream::new());
        let name = self.enumerator_ident(of, index);
        quote! { #path::#name }
    }

    pub(super) fn enumerator_ident(&self, of: EnumId, index: usize) -> Ident {
        let enumerator = &self.model.enumeration(of).enumerators[index];
        match enumerator.alias_of {
            Some(_) => ident(&const_name(&enumerator.name)),
            None => ident(&variant_name(&enumerator.name)),
        }
    }

    /// A constant as an expression of type `ty`.
    pub(super) fn constant(&self, constant: &Constant, ty: &Type) -> TokenStream {
        let text = match constant {
            Constant::Integer { value, hex } => integer(*value, *hex),
            Constant::Float(value) if *ty == Type::Float => format!("{:?}", *value as f32),
            Constant::Float(value) => format!("{value:?}"),
            Constant::Bool(value) => value.to_string(),
            Constant::String(text) => {
                let text = Literal::string(text);
                return quote! { #text };
            }
            Constant::Enumerator { of, index } => {
                let path = self.enumerator(*of, *index);
                return if matches!(ty, Type::Flags(_)) {
                    quote! { #path.into() }
                } else {
                    path
                };
            }
        };
        text.parse().expect("numbers and truth values are tokens")
    }
}

/// The lint against types that are hard to read, where the interface has one: among the types of fields or
/// parameters, or in the tuple of results.
pub(super) fn allow_complex(types: &[&Type], results: &[&Type]) -> Option<TokenStream> {
    let is_complex = types.iter().any(|ty| complexity(ty, 1) > COMPLEX);
    // `Result`, the error, and a tuple around several results.
    let results = 30
        + match results {
            [ty] => complexity(ty, 2),
            types => 20 + types.iter().map(|ty| complexity(ty, 3)).sum::<u32>(),
        };
    (is_complex || results > COMPLEX).then(|| quote! { #[allow(clippy::type_complexity)] })
}

/// Somewhat less than what clippy complains about.
const COMPLEX: u32 = 200;

/// How clippy rates a type that stands this deep in others.
fn complexity(ty: &Type, depth: u32) -> u32 {
    10 * depth
        + match ty {
            Type::Array { element, .. } => complexity(element, depth + 1),
            Type::Map { key, value } => complexity(key, depth + 1) + complexity(value, depth + 1),
            Type::Flags(_) => 10 * (depth + 1),
            _ => 0,
        }
}

/// An integer as it was written.
pub(super) fn integer(value: i128, hex: bool) -> String {
    match (hex, value < 0) {
        (true, true) => format!("-{:#x}", value.unsigned_abs()),
        (true, false) => format!("{value:#x}"),
        (false, _) => value.to_string(),
    }
}

/// Whether a value is passed as such, and not by reference.
pub(super) fn is_by_value(ty: &Type) -> bool {
    is_number(ty) || matches!(ty, Type::Bool | Type::Enum(_) | Type::Flags(_))
}

/// Whether any bytes of the right length are a value.
pub(super) fn is_number(ty: &Type) -> bool {
    matches!(ty, Type::Integer { .. } | Type::Float | Type::Double)
}
