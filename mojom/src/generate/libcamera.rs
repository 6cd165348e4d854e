//! libcamera's encoding of types and messages.
//!
//! What is written where follows from the types alone: `libcamera-1` and `libcamera-2` differ only in controls, which
//! the runtime writes.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::enums::distinct;
use super::messages::Kind;
use super::paths::is_by_value;
use super::traits::allow_tuple;
use super::{Generator, Names, doc, local, message_ident, numbered, value_ident};
use crate::model::{Builtin, EnumId, Field, Method, Parameter, StructId, Type};
use crate::naming::{ident, type_name, value_name};

/// Names of the code around parameters.
const TAKEN: [&str; 2] = ["input", "block"];

impl Generator<'_> {
    /// `impl Encode` and `impl Decode` for a struct, if they are wanted.
    pub(super) fn libcamera_struct(&self, id: StructId) -> Option<TokenStream> {
        self.settings.libcamera.then_some(())?;
        let fields = &self.model.structure(id).fields;
        let path = self.struct_path(id, &TokenStream::new());
        let writes = fields.iter().map(|field| {
            let (member, name) = (value_ident(&field.name), &field.name);
            match self.form(field) {
                None => quote! { out.value(&self.#member)?; },
                Some(form) => quote! { out.#form(#name, &self.#member)?; },
            }
        });
        let reads = fields.iter().map(|field| {
            let (member, name) = (value_ident(&field.name), &field.name);
            let form = self.form(field).unwrap_or_else(|| ident("value"));
            quote! { #member: input.#form(#name)? }
        });
        let encode = encode_impl(&path, &quote! { out }, quote! { #(#writes)* Ok(()) });
        let decode = decode_impl(&path, quote! { Ok(Self { #(#reads),* }) });
        Some(quote! { #encode #decode })
    }

    /// How a field stands in its struct; `None` for what has no size before it.
    fn form(&self, field: &Field) -> Option<Ident> {
        Some(ident(match &field.ty {
            Type::Bool | Type::Integer { .. } | Type::Float | Type::Double => return None,
            Type::Enum(_) | Type::Flags(_) | Type::Builtin(Builtin::SharedFd) => return None,
            Type::Builtin(Builtin::ControlList | Builtin::ControlInfoMap) => "controls",
            Type::String => "sized",
            _ if self.model.field_counts_fds(field) => "sized_with_fds",
            _ => "sized",
        }))
    }

    /// `impl Encode` and `impl Decode` for an enum, if they are wanted.
    pub(super) fn libcamera_enum(&self, id: EnumId) -> Option<TokenStream> {
        self.settings.libcamera.then_some(())?;
        let enumeration = self.model.enumeration(id);
        let (path, name) = (ident(&type_name(&enumeration.name)), &enumeration.name);
        let path = quote! { #path };
        let arms = distinct(enumeration).map(|(index, enumerator)| {
            let (value, name) = (super::enums::discriminant(enumerator), self.enumerator_ident(id, index));
            quote! { #value => Ok(Self::#name) }
        });
        let encode = encode_impl(&path, &quote! { out }, quote! { out.value(&(*self as i32)) });
        let decode = decode_impl(
            &path,
            quote! {
                match serialize::libcamera::Decode::decode(input)? {
                    #(#arms,)*
                    value => {
                        let problem = serialize::libcamera::Problem::Enum { name: #name, value };
                        Err(problem.into())
                    }
                }
            },
        );
        Some(quote! { #encode #decode })
    }

    /// `impl Encode` for a message, and the function that reads one, if they are wanted.
    pub(super) fn libcamera_message(
        &self,
        kind: Kind,
        method: &Method,
        parameters: &[Parameter],
        path: &TokenStream,
    ) -> Option<TokenStream> {
        // Events are written from the variants of their enum.
        (self.settings.libcamera && kind != Kind::Event).then_some(())?;
        let (returned, block) = split(kind, parameters);
        let returns = returned.map(|parameter| {
            let member = value_ident(&parameter.name);
            quote! { out.value(&self.#member)?; }
        });
        let values = block.iter().map(|parameter| {
            let member = value_ident(&parameter.name);
            match &parameter.ty {
                ty if is_by_value(ty) => quote! { &self.#member },
                Type::String | Type::Array { .. } => quote! { &self.#member },
                _ => quote! { self.#member },
            }
        });
        let block_of = self.write_block(block, values);
        let out = if parameters.is_empty() {
            quote! { _ }
        } else {
            quote! { out }
        };
        let encode = encode_impl(path, &out, quote! { #returns #block_of });
        let read = (!parameters.is_empty()).then(|| self.libcamera_read(kind, method, parameters));
        Some(quote! { #encode #read })
    }

    /// Writes parameters; `values` are references to them.
    fn write_block(
        &self,
        parameters: &[Parameter],
        values: impl Iterator<Item = TokenStream>,
    ) -> TokenStream {
        if parameters.is_empty() {
            return quote! { Ok(()) };
        }
        let items = parameters.iter().zip(values).map(|(parameter, value)| {
            let (name, counts_fds) = (&parameter.name, self.model.parameter_counts_fds(&parameter.ty));
            quote! { serialize::libcamera::Parameter { name: #name, counts_fds: #counts_fds, value: #value } }
        });
        quote! { out.block(&[#(#items),*]) }
    }

    /// Reads parameters into variables of the names `locals`.
    fn read_block(&self, parameters: &[Parameter], locals: &[Ident]) -> TokenStream {
        if parameters.is_empty() {
            return TokenStream::new();
        }
        let counts = parameters.iter().map(|parameter| self.model.parameter_counts_fds(&parameter.ty));
        let reads = parameters.iter().zip(locals).map(|(parameter, local)| {
            let name = &parameter.name;
            quote! { let #local = block.parameter(#name)?; }
        });
        quote! {
            let mut block = input.block([#(#counts),*])?;
            #(#reads)*
        }
    }

    fn libcamera_read(&self, kind: Kind, method: &Method, parameters: &[Parameter]) -> TokenStream {
        let what = if kind == Kind::Reply { "results of" } else { "parameters of" };
        let doc = doc(&[format!("Reads the {what} `{}` in libcamera's encoding.", method.name)]);
        let (name, allow) = (libcamera_read_ident(method), allow_tuple(parameters));
        let own = quote! { super:: };
        let types = tuple(parameters.iter().map(|parameter| self.owned(&parameter.ty, &own)));
        let locals: Vec<_> = parameters.iter().map(|parameter| local(parameter, &TAKEN)).collect();
        let (returned, block) = split(kind, parameters);
        let (returned_local, block_locals) = locals.split_at(usize::from(returned.is_some()));
        let returns = returned.map(|parameter| {
            let name = &parameter.name;
            quote! { let #(#returned_local)* = input.value(#name)?; }
        });
        let reads = self.read_block(block, block_locals);
        let values = tuple(locals.iter().map(|local| quote! { #local }));
        quote! {
            #doc
            #allow
            pub(super) fn #name(
                input: &mut serialize::libcamera::Decoder<'_>,
            ) -> Result<#types, serialize::libcamera::DecodeError> {
                #returns
                #reads
                Ok(#values)
            }
        }
    }

    /// What events need beside their enum, if it is wanted.
    pub(super) fn libcamera_events(&self, names: &Names<'_>) -> Option<TokenStream> {
        self.settings.libcamera.then_some(())?;
        let Names { interface, event, .. } = names;
        let path = quote! { #event };
        let locals = |event: &Method| -> Vec<Ident> {
            event.inputs.iter().map(|input| local(input, &["out"])).collect()
        };
        let writes: Vec<_> = interface
            .events
            .iter()
            .map(|event| {
                let (variant, locals) = (message_ident(event), locals(event));
                let pattern = self.pattern(event, &locals);
                let block = self.write_block(&event.inputs, locals.iter().map(|local| quote! { #local }));
                quote! { Self::#variant #pattern => #block }
            })
            .collect();
        let numbers: Vec<_> = numbered(&interface.events)
            .map(|(number, event)| {
                let variant = message_ident(event);
                let rest = (!event.inputs.is_empty()).then(|| quote! { { .. } });
                quote! { Self::#variant #rest => #number }
            })
            .collect();
        let reads: Vec<_> = numbered(&interface.events)
            .map(|(number, event)| {
                let variant = message_ident(event);
                let locals: Vec<_> =
                    event.inputs.iter().map(|input| local(input, &["input", "block"])).collect();
                let (fields, read) = (self.pattern(event, &locals), self.read_block(&event.inputs, &locals));
                quote! { #number => { #read Ok(Self::#variant #fields) } }
            })
            .collect();
        let has_inputs = interface.events.iter().any(|event| !event.inputs.is_empty());
        let (out, input) =
            if has_inputs { (quote! { out }, quote! { input }) } else { (quote! { _ }, quote! { _ }) };
        let nothing = interface.events.is_empty();
        let never = quote! { match *self {} };
        let (write, number) = if nothing {
            (never.clone(), never)
        } else {
            (quote! { match self { #(#writes,)* } }, quote! { match self { #(#numbers,)* } })
        };
        let unknown = quote! { Err(ipc::CallError::UnknownEvent { event: number }) };
        let read = if nothing {
            unknown
        } else {
            quote! { match number { #(#reads)* _ => #unknown, } }
        };
        let encode = encode_impl(&path, &out, write);
        Some(quote! {
            #encode

            impl ipc::libcamera::Event for #event {
                fn number(&self) -> u16 {
                    #number
                }

                fn decode(
                    number: u16,
                    #input: &mut serialize::libcamera::Decoder<'_>,
                ) -> Result<Self, ipc::CallError> {
                    #read
                }
            }
        })
    }
}

/// The result that libcamera's proxy returns, which is written as it is, and the parameters in the block.
fn split(kind: Kind, parameters: &[Parameter]) -> (Option<&Parameter>, &[Parameter]) {
    let is_scalar = |ty: &Type| matches!(ty, Type::Bool | Type::Integer { .. } | Type::Float | Type::Double);
    match parameters {
        [first, rest @ ..] if kind == Kind::Reply && is_returned(&first.ty, rest.is_empty(), is_scalar) => {
            (Some(first), rest)
        }
        _ => (None, parameters),
    }
}

/// Whether the first of the results is returned: an `int32`, or any scalar if there are no others.
fn is_returned(ty: &Type, is_only: bool, is_scalar: impl Fn(&Type) -> bool) -> bool {
    *ty == Type::Integer { bits: 32, signed: true } || (is_only && is_scalar(ty))
}

fn encode_impl(path: &TokenStream, out: &TokenStream, body: TokenStream) -> TokenStream {
    quote! {
        impl serialize::libcamera::Encode for #path {
            fn encode(
                &self,
                #out: &mut serialize::libcamera::Encoder<'_>,
            ) -> Result<(), serialize::libcamera::EncodeError> {
                #body
            }
        }
    }
}

fn decode_impl(path: &TokenStream, body: TokenStream) -> TokenStream {
    quote! {
        impl serialize::libcamera::Decode for #path {
            fn decode(
                input: &mut serialize::libcamera::Decoder<'_>,
            ) -> Result<Self, serialize::libcamera::DecodeError> {
                #body
            }
        }
    }
}

/// Several as a tuple, one as itself.
pub(super) fn tuple(items: impl Iterator<Item = TokenStream>) -> TokenStream {
    let items: Vec<_> = items.collect();
    match &*items {
        [item] => item.clone(),
        items => quote! { (#(#items),*) },
    }
}

/// The function that reads a request or reply.
pub(super) fn libcamera_read_ident(method: &Method) -> Ident {
    format_ident!("libcamera_{}", value_name(&method.name))
}
