//! Enums, and their encoding.

use proc_macro2::TokenStream;
use quote::quote;

use super::{Generator, allow_variant_names, paths};
use crate::model::{Enum, EnumId, Enumerator};
use crate::naming::{ident, type_name, variant_name};

impl Generator<'_> {
    pub(super) fn enumeration(&self, id: EnumId) -> Result<TokenStream, String> {
        let enumeration = self.model.enumeration(id);
        let full = self.model.enum_name(id);
        let name = ident(&type_name(&enumeration.name));
        let doc = self.doc_or(&enumeration.doc, format!("`{full}`."));
        let attributes = self.type_attributes(&full)?;
        let default = default_index(enumeration);
        let variants = distinct(enumeration).map(|(index, enumerator)| {
            let doc = self.doc_or(&enumerator.doc, format!("`{}`.", enumerator.name));
            let name = self.enumerator_ident(id, index);
            let value = discriminant(enumerator);
            let default = (index == default).then(|| quote! { #[default] });
            quote! { #doc #default #name = #value }
        });
        let names: Vec<String> = distinct(enumeration).map(|(_, e)| variant_name(&e.name)).collect();
        let allow = allow_variant_names(&name, &names);
        let aliases = self.aliases(id);
        let flag = enumeration.is_flags.then(|| self.flag(id));
        let codec = self.enum_codec(id);
        let libcamera = self.libcamera_enum(id);
        Ok(quote! {
            #doc
            #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
            #attributes
            #allow
            #[repr(i32)]
            pub enum #name { #(#variants),* }
            #aliases
            #flag
            #codec
            #libcamera
        })
    }

    /// Constants for enumerators whose value an earlier one has.
    fn aliases(&self, id: EnumId) -> TokenStream {
        let enumeration = self.model.enumeration(id);
        let name = ident(&type_name(&enumeration.name));
        let aliases: Vec<_> = (0..enumeration.enumerators.len())
            .filter_map(|index| {
                let enumerator = &enumeration.enumerators[index];
                let first = self.enumerator_ident(id, enumerator.alias_of?);
                let doc = self
                    .doc_or(&enumerator.doc, format!("`{}`, another name of `{first}`.", enumerator.name));
                let name = self.enumerator_ident(id, index);
                Some(quote! { #doc pub const #name: Self = Self::#first; })
            })
            .collect();
        if aliases.is_empty() {
            TokenStream::new()
        } else {
            quote! { impl #name { #(#aliases)* } }
        }
    }

    fn flag(&self, id: EnumId) -> TokenStream {
        let enumeration = self.model.enumeration(id);
        let (name, mojom) = (ident(&type_name(&enumeration.name)), &enumeration.name);
        let variants = distinct(enumeration).map(|(index, _)| self.enumerator_ident(id, index));
        quote! {
            impl serialize::Flag for #name {
                const NAME: &'static str = #mojom;
                const VARIANTS: &'static [Self] = &[#(Self::#variants),*];

                fn bits(self) -> u32 {
                    (self as i32).cast_unsigned()
                }
            }
        }
    }

    fn enum_codec(&self, id: EnumId) -> TokenStream {
        let enumeration = self.model.enumeration(id);
        let (name, mojom) = (ident(&type_name(&enumeration.name)), &enumeration.name);
        let arms = distinct(enumeration).map(|(index, enumerator)| {
            let name = self.enumerator_ident(id, index);
            let value = discriminant(enumerator);
            quote! { #value => Ok(Self::#name) }
        });
        quote! {
            impl native::Encode for #name {
                type Wire = <i32 as native::Encode>::Wire;

                fn region_bytes(&self) -> usize {
                    0
                }

                fn encode<S: native::Sink + ?Sized>(&self, _: &mut native::Encoder<'_, S>) -> Self::Wire {
                    (*self as i32).into()
                }
            }

            impl native::Decode for #name {
                fn decode(wire: &Self::Wire, _: &mut native::Decoder<'_>) -> Result<Self, native::DecodeError> {
                    match wire.get() {
                        #(#arms,)*
                        value => {
                            let problem = native::Problem::Enum { name: #mojom, value };
                            Err(problem.into())
                        }
                    }
                }
            }
        }
    }
}

/// The enumerators that are variants in Rust.
pub(super) fn distinct(enumeration: &Enum) -> impl Iterator<Item = (usize, &Enumerator)> {
    enumeration.enumerators.iter().enumerate().filter(|(_, enumerator)| enumerator.alias_of.is_none())
}

/// Index of the enumerator that fields start with: the one of value 0, as in C++, or else the first.
pub(super) fn default_index(enumeration: &Enum) -> usize {
    enumeration.enumerators.iter().position(|enumerator| enumerator.value == 0).unwrap_or(0)
}

pub(super) fn discriminant(enumerator: &Enumerator) -> TokenStream {
    // The highest bit makes a number negative in Rust, and a literal in hexadecimal too large for it.
    let hex = enumerator.hex && enumerator.value >= 0;
    paths::integer(enumerator.value.into(), hex).parse().expect("a number is tokens")
}
