//! Structs, and their encoding.

use proc_macro2::TokenStream;
use quote::quote;

use super::enums::default_index;
use super::paths::is_number;
use super::{Generator, value_ident};
use crate::model::{Constant, Field, Struct, StructId, StructKind, Type};
use crate::naming::{ident, type_name};

impl Generator<'_> {
    pub(super) fn structure(&self, id: StructId) -> Result<TokenStream, String> {
        let structure = self.model.structure(id);
        let name = ident(&type_name(&structure.name));
        let (definition, codec) = match structure.kind {
            StructKind::Empty => return Ok(TokenStream::new()),
            StructKind::Runtime(_) => (quote! { pub use serialize::#name; }, TokenStream::new()),
            StructKind::RuntimeType if self.settings.geometry.is_some() => {
                (quote! { pub use serialize::#name; }, TokenStream::new())
            }
            StructKind::RuntimeType => (quote! { pub use serialize::#name; }, self.struct_codec(id)),
            StructKind::Generated => (self.definition(id, structure)?, self.struct_codec(id)),
        };
        Ok(quote! { #definition #codec })
    }

    fn definition(&self, id: StructId, structure: &Struct) -> Result<TokenStream, String> {
        let ty = Type::Struct(id);
        let full = self.model.mojom(&ty);
        let name = ident(&type_name(&structure.name));
        let doc = self.doc_or(&structure.doc, format!("`{full}`."));
        let attributes = self.type_attributes(&full)?;
        let copy = self.model.is_copy(&ty).then(|| quote! { Copy, });
        let equal = (!self.model.has_fd(&ty)).then(|| quote! { PartialEq, });
        let fields = structure.fields.iter().map(|field| {
            let doc = self.field_doc(field);
            let name = value_ident(&field.name);
            let ty = self.owned(&field.ty, &TokenStream::new());
            quote! { #doc pub #name: #ty }
        });
        let defaults_matter = structure.fields.iter().any(|field| self.explicit_default(field).is_some());
        let (derived, default) = if defaults_matter {
            (None, Some(self.default_impl(structure)))
        } else {
            (Some(quote! { Default, }), None)
        };
        Ok(quote! {
            #doc
            #[derive(Debug, Clone, #copy #equal #derived)]
            #attributes
            pub struct #name { #(#fields),* }
            #default
        })
    }

    fn field_doc(&self, field: &Field) -> TokenStream {
        let mut doc =
            self.doc_or(&field.doc, format!("`{}`, of type `{}`.", field.name, self.model.mojom(&field.ty)));
        if let Type::Array { length: Some(length), .. } = &field.ty {
            let note = format!(" Declared with {length} elements, which the encodings do not check.");
            doc.extend(quote! { #[doc = ""] #[doc = #note] });
        }
        doc
    }

    /// The default value of a field, if it is another one than that of its type.
    fn explicit_default<'f>(&self, field: &'f Field) -> Option<&'f Constant> {
        field.default.as_ref().filter(|default| match default {
            Constant::Integer { value, .. } => *value != 0,
            Constant::Float(value) => value.to_bits() != 0,
            Constant::Bool(value) => *value,
            Constant::String(text) => !text.is_empty(),
            Constant::Enumerator { of, index } => match field.ty {
                Type::Flags(_) => true,
                _ => *index != default_index(self.model.enumeration(*of)),
            },
        })
    }

    fn default_impl(&self, structure: &Struct) -> TokenStream {
        let name = ident(&type_name(&structure.name));
        let fields = structure.fields.iter().map(|field| {
            let name = value_ident(&field.name);
            let value = match self.explicit_default(field) {
                None => quote! { Default::default() },
                Some(text @ Constant::String(_)) => {
                    let text = self.constant(text, &field.ty);
                    quote! { #text.to_owned() }
                }
                Some(value) => self.constant(value, &field.ty),
            };
            quote! { #name: #value }
        });
        quote! {
            impl Default for #name {
                fn default() -> Self {
                    Self { #(#fields),* }
                }
            }
        }
    }

    fn struct_codec(&self, id: StructId) -> TokenStream {
        let structure = self.model.structure(id);
        let path = self.struct_path(id, &TokenStream::new());
        let name = ident(&type_name(&structure.name));
        let members: Vec<_> = structure.fields.iter().map(|field| (field.name.as_str(), &field.ty)).collect();
        let encode = self.encode_impl(&path, &quote! { wire::#name }, &members);
        let fields = structure.fields.iter().map(|field| {
            let name = value_ident(&field.name);
            let value = self.decode(&field.name, &field.ty, &quote! { input });
            quote! { #name: #value }
        });
        let input = input_name(structure.fields.iter().map(|field| &field.ty));
        let libcamera = self.libcamera_struct(id);
        quote! {
            #encode

            impl native::Decode for #path {
                fn decode(wire: &Self::Wire, #input: &mut native::Decoder<'_>) -> Result<Self, native::DecodeError> {
                    Ok(Self { #(#fields),* })
                }
            }

            #libcamera
        }
    }

    /// `impl Encode` for a struct or message with these members.
    pub(super) fn encode_impl(
        &self,
        path: &TokenStream,
        wire: &TokenStream,
        members: &[(&str, &Type)],
    ) -> TokenStream {
        let regions = members.iter().filter(|(_, ty)| self.model.has_regions(ty)).map(|(name, _)| {
            let name = value_ident(name);
            quote! { self.#name.region_bytes() }
        });
        let mut regions = quote! { #(#regions)+* };
        if regions.is_empty() {
            regions = quote! { 0 };
        }
        let fields = members.iter().map(|(name, ty)| {
            let name = value_ident(name);
            let value = match ty {
                Type::Bool => quote! { u8::from(self.#name) },
                Type::Integer { bits: 8, .. } => quote! { self.#name },
                ty if is_number(ty) => quote! { self.#name.into() },
                _ => quote! { self.#name.encode(out) },
            };
            quote! { #name: #value }
        });
        let out = if members.iter().all(|(_, ty)| is_number(ty) || **ty == Type::Bool) {
            quote! { _ }
        } else {
            quote! { out }
        };
        let (value, wire) = if members.is_empty() {
            (TokenStream::new(), quote! { () })
        } else {
            (quote! { #wire { #(#fields),* } }, wire.clone())
        };
        quote! {
            impl native::Encode for #path {
                type Wire = #wire;

                fn region_bytes(&self) -> usize {
                    #regions
                }

                fn encode<S: native::Sink + ?Sized>(&self, #out: &mut native::Encoder<'_, S>) -> Self::Wire {
                    #value
                }
            }
        }
    }

    /// Reads a member from its field in the fixed part `wire`.
    pub(super) fn decode(&self, name: &str, ty: &Type, input: &TokenStream) -> TokenStream {
        let field = value_ident(name);
        match ty {
            Type::Integer { bits: 8, .. } => quote! { wire.#field },
            ty if is_number(ty) => quote! { wire.#field.get() },
            _ => {
                let result = self.decode_result(name, ty, input);
                quote! { #result? }
            }
        }
    }

    /// As [`Self::decode`], as a `Result`.
    pub(super) fn decode_result(&self, name: &str, ty: &Type, input: &TokenStream) -> TokenStream {
        if is_number(ty) {
            let value = self.decode(name, ty, input);
            return quote! { Ok(#value) };
        }
        let field = value_ident(name);
        quote! { native::Decode::decode(&wire.#field, #input).map_err(|error| error.within(#name)) }
    }
}

/// The name of a decoder that numbers do not need.
pub(super) fn input_name<'t>(mut types: impl Iterator<Item = &'t Type>) -> TokenStream {
    if types.all(is_number) {
        quote! { _ }
    } else {
        quote! { input }
    }
}
