//! Enums, which have a variant for each enumerator and one for the numbers that none has.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::{Generator, allow_variant_names, paths};
use crate::model::{Enum, EnumId, Enumerator};
use crate::naming::{ident, type_name, variant_name};

/// What the variant for numbers without a name may be called; the first that no enumerator has.
const UNNAMED: [&str; 4] = ["Unknown", "Other", "Unnamed", "Unlisted"];

impl Generator<'_> {
    pub(super) fn enumeration(&self, id: EnumId) -> Result<TokenStream, String> {
        let enumeration = self.model.enumeration(id);
        let full = self.model.enum_name(id);
        let name = ident(&type_name(&enumeration.name));
        let doc = self.doc_of(&enumeration.doc, (&enumeration.name, &name), format!("`{full}`."));
        let attributes = self.type_attributes(&full)?;
        let default = default_index(enumeration);
        let mut variants = Vec::new();
        for (index, enumerator) in distinct(enumeration) {
            let name = self.enumerator_ident(id, index);
            let otherwise = format!("`{}`, {}.", enumerator.name, shown(enumerator));
            let doc = self.doc_of(&enumerator.doc, (&enumerator.name, &name), otherwise);
            let attributes = self.enumerator_attributes(&format!("{full}.{}", enumerator.name))?;
            let default = (index == default).then(|| quote! { #[default] });
            variants.push(quote! { #doc #attributes #default #name });
        }
        let unnamed = unnamed(enumeration);
        let mut names: Vec<String> = distinct(enumeration).map(|(_, e)| variant_name(&e.name)).collect();
        names.push(unnamed.to_string());
        let allow = allow_variant_names(&name, &names);
        let (aliases, numbers) = (self.aliases(id), self.numbers(id, &unnamed));
        let union = enumeration.is_flags.then(|| union(&name));
        Ok(quote! {
            #doc
            #[derive(Debug, Clone, Copy, Default)]
            #attributes
            #allow
            pub enum #name {
                #(#variants,)*
                /// A number that this interface has no name for. The other side's may have one.
                #unnamed(i32),
            }
            #aliases
            #numbers
            #union
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
                let name = self.enumerator_ident(id, index);
                let otherwise = format!("`{}`, another name of `{first}`.", enumerator.name);
                let doc = self.doc_of(&enumerator.doc, (&enumerator.name, &name), otherwise);
                Some(quote! { #doc pub const #name: Self = Self::#first; })
            })
            .collect();
        if aliases.is_empty() {
            TokenStream::new()
        } else {
            quote! { impl #name { #(#aliases)* } }
        }
    }

    /// From names to numbers and back.
    fn numbers(&self, id: EnumId, unnamed: &Ident) -> TokenStream {
        let enumeration = self.model.enumeration(id);
        let name = ident(&type_name(&enumeration.name));
        let variants: Vec<_> = distinct(enumeration)
            .map(|(index, enumerator)| (self.enumerator_ident(id, index), number(enumerator)))
            .collect();
        let to_numbers = variants.iter().map(|(variant, number)| quote! { #name::#variant => #number });
        let to_names = variants.iter().map(|(variant, number)| quote! { #number => Self::#variant });
        let named = enumeration.enumerators.iter().map(|enumerator| {
            let (name, number) = (&enumerator.name, number(enumerator));
            quote! { serialize::named(#name, #number) }
        });
        quote! {
            impl From<i32> for #name {
                fn from(number: i32) -> Self {
                    match number {
                        #(#to_names,)*
                        number => Self::#unnamed(number),
                    }
                }
            }

            impl From<#name> for i32 {
                fn from(value: #name) -> Self {
                    match value {
                        #(#to_numbers,)*
                        #name::#unnamed(number) => number,
                    }
                }
            }

            serialize::by_number!(#name);

            impl serialize::Enum for #name {
                const NAMED: &'static [serialize::Flag<Self>] = &[#(#named),*];
            }
        }
    }
}

/// `|` between two enumerators, which makes a set.
fn union(name: &Ident) -> TokenStream {
    quote! {
        impl std::ops::BitOr for #name {
            type Output = serialize::Flags<Self>;

            fn bitor(self, other: Self) -> Self::Output {
                serialize::Flags::from(self) | other
            }
        }
    }
}

/// The variant for numbers without a name.
fn unnamed(enumeration: &Enum) -> Ident {
    let is_free = |name: &str| distinct(enumeration).all(|(_, e)| variant_name(&e.name) != name);
    let name = UNNAMED.into_iter().find(|name| is_free(name)).map(str::to_owned);
    // However many enumerators there are, one of these is free.
    let name = name.unwrap_or_else(|| {
        (0..).map(|number| format!("Unnamed{number}")).find(|name| is_free(name)).expect("numbers do not end")
    });
    ident(&name)
}

/// The enumerators that are variants in Rust.
fn distinct(enumeration: &Enum) -> impl Iterator<Item = (usize, &Enumerator)> {
    enumeration.enumerators.iter().enumerate().filter(|(_, enumerator)| enumerator.alias_of.is_none())
}

/// Index of the enumerator that fields start with: the one of value 0, as in C++, or else the first.
pub(super) fn default_index(enumeration: &Enum) -> usize {
    enumeration.enumerators.iter().position(|enumerator| enumerator.value == 0).unwrap_or(0)
}

/// The value of an enumerator as a literal. The highest bit makes a number negative in Rust, and a literal in
/// hexadecimal too large for it.
fn number(enumerator: &Enumerator) -> TokenStream {
    let hex = enumerator.hex && enumerator.value >= 0;
    paths::integer(enumerator.value.into(), hex).parse().expect("a number is tokens")
}

/// The value of an enumerator for readers.
fn shown(enumerator: &Enumerator) -> String {
    if enumerator.hex {
        format!("{:#x}", enumerator.value.cast_unsigned())
    } else {
        enumerator.value.to_string()
    }
}
