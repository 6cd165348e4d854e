//! The definitions of a file.

use super::{Parse, Parser, Reported};
use crate::ast::{Attributes, Const, Enum, Enumerator, Foreign, Import, Interface, Struct};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::lexer::Kind;

/// What stands before a definition.
pub(super) struct Prefix {
    /// The documentation.
    pub(super) comment: Option<Span>,
    pub(super) attributes: Attributes,
}

impl Parser<'_> {
    pub(super) fn file(&mut self) {
        while !self.at_end() {
            let start = self.next;
            if let Err(Reported) = self.statement() {
                self.recover(start);
                self.keep_garbled(start..self.next);
                if self.file.module.is_none() && self.file.imports.is_empty() && !self.has_definitions() {
                    // It may have been the `module` statement.
                    self.file.module_is_garbled = true;
                }
            }
            if self.next == start {
                // Only a stray `}` makes no progress; with the `;` behind it, it is one mistake.
                self.bump();
                self.eat(";");
            }
        }
    }

    /// Comment and attributes, in this or the other order.
    pub(super) fn prefix(&mut self) -> Prefix {
        let before = self.peek().doc;
        let attributes = self.attributes();
        Prefix { comment: before.or(self.peek().doc), attributes }
    }

    fn statement(&mut self) -> Parse<()> {
        let prefix = self.prefix();
        match self.word() {
            Some("module") => self.module(prefix),
            Some("import") => self.import(&prefix.attributes),
            Some("const") => self.constant(prefix, None),
            Some("enum") => self.enumeration(prefix, None),
            Some("struct") => self.structure(prefix),
            Some("interface") => self.interface(prefix),
            Some("union") => self.union(),
            Some("feature") => self.feature(),
            _ if self.at(";") => {
                let span = self.bump();
                self.error(Code::Syntax, span, "expected a definition, found `;`");
                Ok(())
            }
            _ => Err(self.unexpected("a definition (const, enum, struct or interface)")),
        }
    }

    fn module(&mut self, prefix: Prefix) -> Parse<()> {
        let keyword = self.bump();
        let has_definitions = self.has_definitions();
        let name = match self.dotted("the module's name") {
            Ok(name) => name,
            Err(reported) => {
                self.file.module_is_garbled = true;
                return Err(reported);
            }
        };
        let span = keyword.to(name.span);
        if let Some(first) = &self.file.module {
            let first = first.span;
            let error =
                Diagnostic::new(Code::RepeatedModule, self.source, span, "a second `module` statement")
                    .also(first, "the first one");
            self.report(error);
        } else {
            if has_definitions || !self.file.imports.is_empty() {
                let message = "the `module` statement belongs before everything else";
                self.error(Code::ModulePosition, span, message);
            }
            if self.file.doc.0.is_empty() {
                self.file.doc = self.doc(prefix.comment, "");
            }
            self.file.module = Some(name);
        }
        self.end()
    }

    fn has_definitions(&self) -> bool {
        let file = &self.file;
        !(file.consts.is_empty()
            && file.enums.is_empty()
            && file.structs.is_empty()
            && file.interfaces.is_empty()
            && file.foreign.is_empty())
    }

    fn import(&mut self, attributes: &Attributes) -> Parse<()> {
        let keyword = self.bump();
        let Kind::String(path) = self.peek().kind.clone() else {
            self.file.imports.push(Import { path: String::new(), span: keyword });
            return Err(self.unexpected("the path of a file, in quotes"));
        };
        let span = self.bump();
        if self.has_definitions() {
            self.error(Code::ImportPosition, span, "imports belong before the definitions");
        }
        if !attributes.remove_item() {
            self.file.imports.push(Import { path, span });
        }
        self.end()
    }

    pub(super) fn constant(&mut self, prefix: Prefix, scope: Option<&str>) -> Parse<()> {
        self.bump();
        let ty = self.ty()?;
        let name = self.name("the constant's name")?;
        self.expect("=")?;
        let value = self.value()?;
        let doc = self.doc(prefix.comment, &path(scope, &name.text));
        if !prefix.attributes.remove_item() {
            let (scope, attributes) = (scope.map(str::to_owned), prefix.attributes);
            self.file.consts.push(Const { name, scope, attributes, ty, value, doc });
        }
        self.end()
    }

    pub(super) fn enumeration(&mut self, prefix: Prefix, scope: Option<&str>) -> Parse<()> {
        self.bump();
        let name = self.name("the enum's name")?;
        if self.at(";") {
            self.without_body(&prefix.attributes, name, "enums without values ([Native])");
            return Ok(());
        }
        let open = self.open()?;
        let mut enumerators = Vec::new();
        let mut garbled = false;
        while !self.at("}") {
            if self.at_end() || self.at_outer_item(open) {
                if !garbled {
                    self.unclosed(open);
                }
                garbled = true;
                break;
            }
            garbled |= self.enumerator(&name.text, &mut enumerators, garbled).is_err();
        }
        let is_closed = self.eat("}").is_some();
        let doc = self.doc(prefix.comment, &path(scope, &name.text));
        if !prefix.attributes.remove_item() {
            let (scope, attributes) = (scope.map(str::to_owned), prefix.attributes);
            self.file.enums.push(Enum { name, scope, attributes, enumerators, garbled, doc });
        }
        if is_closed { self.end_of_definition() } else { Ok(()) }
    }

    /// One enumerator and the comma behind it.
    fn enumerator(&mut self, of: &str, list: &mut Vec<Enumerator>, garbled: bool) -> Parse<()> {
        let prefix = self.prefix();
        let entry = self.name("an enumerator").and_then(|name| {
            let value = if self.eat("=").is_some() { Some(self.value()?) } else { None };
            Ok((name, value))
        });
        let missing_comma = entry.is_ok() && !self.at(",") && !self.at("}");
        let is_closed_early = missing_comma && (self.at_end() || self.at_outer_item(self.next));
        if entry.is_err() {
            self.skip_entry("}");
        } else if missing_comma && !is_closed_early && !garbled {
            // Semicolons instead of commas are one mistake, not many.
            self.unexpected("`,` or `}`");
        }
        let separator = self.eat(",").or_else(|| self.eat(";"));
        if separator.is_none() && missing_comma && !is_closed_early && !self.starts_line(self.next) {
            self.skip_entry("}");
            self.eat(",").or_else(|| self.eat(";"));
        } else if separator.is_none() && !self.at("}") && entry.is_err() {
            self.bump();
        }
        let (name, value) = entry?;
        let comment = prefix.comment.or(self.peek().doc_of_previous);
        let doc = self.doc(comment, &path(Some(of), &name.text));
        if !prefix.attributes.remove_item() {
            list.push(Enumerator { name, attributes: prefix.attributes, value, doc });
        }
        if missing_comma && !is_closed_early { Err(Reported) } else { Ok(()) }
    }

    /// `struct X;` or `enum X;`.
    fn without_body(&mut self, attributes: &Attributes, name: crate::ast::Name, what: &'static str) {
        self.bump();
        if !attributes.has("Native") {
            let error = Diagnostic::new(
                Code::NativeOnly,
                self.source,
                name.span,
                format!("`{}` has no body, which only [Native] types may do without", name.text),
            );
            self.report(
                error.help("there are no forward declarations; types may be used before they are defined"),
            );
            self.file.garbled.insert(name.text);
        } else if !attributes.remove_item() {
            self.file.foreign.push(Foreign { name, what, types: Vec::new() });
        }
    }

    fn structure(&mut self, prefix: Prefix) -> Parse<()> {
        self.bump();
        let name = self.name("the struct's name")?;
        if self.at(";") {
            self.without_body(&prefix.attributes, name, "structs without fields ([Native])");
            return Ok(());
        }
        let (consts, enums) = (self.file.consts.len(), self.file.enums.len());
        let mut fields = Vec::new();
        let garbled = self.body(|parser| parser.struct_member(&name.text, &mut fields))?;
        let doc = self.doc(prefix.comment, &name.text);
        if prefix.attributes.remove_item() {
            self.file.consts.truncate(consts);
            self.file.enums.truncate(enums);
        } else {
            self.file.structs.push(Struct { name, attributes: prefix.attributes, fields, garbled, doc });
        }
        Ok(())
    }

    fn interface(&mut self, prefix: Prefix) -> Parse<()> {
        self.bump();
        let name = self.name("the interface's name")?;
        let (consts, enums) = (self.file.consts.len(), self.file.enums.len());
        let mut methods = Vec::new();
        let garbled = self.body(|parser| parser.interface_member(&name.text, &mut methods))?;
        let doc = self.doc(prefix.comment, &name.text);
        if prefix.attributes.remove_item() {
            self.file.consts.truncate(consts);
            self.file.enums.truncate(enums);
        } else {
            self.file.interfaces.push(Interface {
                name,
                attributes: prefix.attributes,
                methods,
                garbled,
                doc,
            });
        }
        Ok(())
    }

    fn union(&mut self) -> Parse<()> {
        self.bump();
        let name = self.name("the union's name")?;
        let mut types = Vec::new();
        self.body(|parser| {
            parser.attributes();
            types.push(parser.ty()?);
            parser.name("the field's name")?;
            parser.ordinal();
            parser.end()
        })?;
        self.file.foreign.push(Foreign { name, what: "unions", types });
        Ok(())
    }

    fn feature(&mut self) -> Parse<()> {
        self.bump();
        let name = self.name("the feature's name")?;
        let consts = self.file.consts.len();
        self.body(|parser| {
            let prefix = parser.prefix();
            if parser.at_word("const") {
                parser.constant(prefix, Some(&name.text))
            } else {
                Err(parser.unexpected("a constant"))
            }
        })?;
        self.file.consts.truncate(consts);
        self.file.foreign.push(Foreign { name, what: "features", types: Vec::new() });
        Ok(())
    }
}

/// How documentation elsewhere names this item.
pub(super) fn path(scope: Option<&str>, name: &str) -> String {
    scope.map_or_else(|| name.to_owned(), |scope| format!("{scope}::{name}"))
}
