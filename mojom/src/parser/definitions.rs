//! The definitions of a file.

use super::{Parse, Parser, Reported};
use crate::ast::{Attributes, Const, Enum, Enumerator, Field, Import, Interface, Method, Parameter, Struct};
use crate::diagnostic::Span;
use crate::lexer::Kind;

impl Parser<'_> {
    pub(super) fn file(&mut self) {
        while self.peek().kind != Kind::End {
            let before = self.next;
            if self.statement().is_err() {
                self.recover();
            }
            if self.next == before {
                // Only a stray `}` makes no progress.
                self.bump();
            }
        }
    }

    fn statement(&mut self) -> Parse<()> {
        let comment = self.peek().doc;
        let attributes = self.attributes()?;
        match self.word() {
            Some("module") => self.module(),
            Some("import") => self.import(),
            Some("const") => self.constant(comment, None),
            Some("enum") => self.enumeration(comment, None),
            Some("struct") => self.structure(comment, attributes),
            Some("interface") => self.interface(comment),
            Some("union") => Err(self.outside_keyword("unions are")),
            Some("feature") => Err(self.outside_keyword("features are")),
            _ => Err(self.unexpected("a definition (const, enum, struct or interface)")),
        }
    }

    fn outside_keyword(&mut self, what: &str) -> Reported {
        let keyword = self.bump();
        let span = if self.peek().kind == Kind::Name { keyword.to(self.peek().span) } else { keyword };
        self.outside(span, what)
    }

    fn module(&mut self) -> Parse<()> {
        let keyword = self.bump();
        let name = self.dotted("the module's name")?;
        let span = keyword.to(name.span);
        if self.file.module.is_some() {
            self.error(span, "a second `module` statement");
        } else if self.has_definitions() || !self.file.imports.is_empty() {
            self.error(span, "the `module` statement belongs before everything else");
        }
        self.file.module.get_or_insert(name);
        self.expect(";")?;
        Ok(())
    }

    fn has_definitions(&self) -> bool {
        let file = &self.file;
        !(file.consts.is_empty()
            && file.enums.is_empty()
            && file.structs.is_empty()
            && file.interfaces.is_empty())
    }

    fn import(&mut self) -> Parse<()> {
        self.bump();
        let Kind::String(path) = self.peek().kind.clone() else {
            return Err(self.unexpected("the path of a file, in quotes"));
        };
        let span = self.bump();
        if self.has_definitions() {
            self.error(span, "imports belong before the definitions");
        }
        self.file.imports.push(Import { path, span });
        self.expect(";")?;
        Ok(())
    }

    fn constant(&mut self, comment: Option<Span>, scope: Option<&str>) -> Parse<()> {
        self.bump();
        let ty = self.ty()?;
        let name = self.name("the constant's name")?;
        self.expect("=")?;
        let value = self.value()?;
        let doc = self.doc(comment, &path(scope, &name.text));
        self.file.consts.push(Const { name, scope: scope.map(str::to_owned), ty, value, doc });
        self.expect(";")?;
        Ok(())
    }

    fn enumeration(&mut self, comment: Option<Span>, scope: Option<&str>) -> Parse<()> {
        self.bump();
        let name = self.name("the enum's name")?;
        if self.at(";") {
            return Err(self.outside(name.span, "enums without a body ([Native]) are"));
        }
        self.expect("{")?;
        let mut enumerators = Vec::new();
        while !self.at("}") {
            match self.enumerator(&name.text) {
                Ok(enumerator) => enumerators.push(enumerator),
                Err(Reported) => self.skip_enumerator(),
            }
            if self.eat(",").is_none() {
                break;
            }
        }
        let doc = self.doc(comment, &path(scope, &name.text));
        let scope = scope.map(str::to_owned);
        self.file.enums.push(Enum { name, scope, enumerators, doc });
        self.expect("}")?;
        self.expect(";")?;
        Ok(())
    }

    fn enumerator(&mut self, of: &str) -> Parse<Enumerator> {
        let comment = self.peek().doc;
        self.attributes()?;
        let name = self.name("an enumerator")?;
        let value = if self.eat("=").is_some() { Some(self.value()?) } else { None };
        let doc = self.doc(comment, &path(Some(of), &name.text));
        Ok(Enumerator { name, value, doc })
    }

    fn skip_enumerator(&mut self) {
        while !self.at(",") && !self.at("}") && !self.at(";") && self.peek().kind != Kind::End {
            self.bump();
        }
    }

    fn structure(&mut self, comment: Option<Span>, attributes: Attributes) -> Parse<()> {
        self.bump();
        let name = self.name("the struct's name")?;
        if self.at(";") {
            return Err(self.outside(name.span, "structs without a body ([Native]) are"));
        }
        let mut fields = Vec::new();
        let end = self.body(|parser| {
            let comment = parser.peek().doc;
            let attributes = parser.attributes()?;
            match parser.word() {
                Some("const") => parser.constant(comment, Some(&name.text)),
                Some("enum") => parser.enumeration(comment, Some(&name.text)),
                Some(word @ ("struct" | "interface" | "union")) => {
                    let message = format!("a struct cannot hold a {word}, only constants, enums and fields");
                    let span = parser.peek().span;
                    Err(parser.error(span, message))
                }
                _ => {
                    let ty = parser.ty()?;
                    let field = parser.name("the field's name")?;
                    parser.ordinal();
                    let default = if parser.eat("=").is_some() { Some(parser.value()?) } else { None };
                    let doc = parser.doc(comment, &path(Some(&name.text), &field.text));
                    fields.push(Field { name: field, attributes, ty, default, doc });
                    parser.expect(";")?;
                    Ok(())
                }
            }
        });
        let doc = self.doc(comment, &name.text);
        self.file.structs.push(Struct { name, attributes, fields, doc });
        end
    }

    fn interface(&mut self, comment: Option<Span>) -> Parse<()> {
        self.bump();
        let name = self.name("the interface's name")?;
        let mut methods = Vec::new();
        let end = self.body(|parser| {
            let comment = parser.peek().doc;
            let attributes = parser.attributes()?;
            match parser.word() {
                Some("const") => parser.constant(comment, Some(&name.text)),
                Some("enum") => parser.enumeration(comment, Some(&name.text)),
                _ => {
                    let method = parser.name("a method's name")?;
                    parser.ordinal();
                    let inputs = parser.parameters()?;
                    let outputs = if parser.eat("=>").is_some() { parser.parameters()? } else { Vec::new() };
                    let doc = parser.doc(comment, &path(Some(&name.text), &method.text));
                    methods.push(Method { name: method, attributes, inputs, outputs, doc });
                    parser.expect(";")?;
                    Ok(())
                }
            }
        });
        let doc = self.doc(comment, &name.text);
        self.file.interfaces.push(Interface { name, methods, doc });
        end
    }

    /// `{ members } ;`, where an error in one member does not stop the others.
    fn body(&mut self, mut member: impl FnMut(&mut Self) -> Parse<()>) -> Parse<()> {
        self.expect("{")?;
        while !self.at("}") {
            if self.peek().kind == Kind::End {
                return Err(self.unexpected("`}`"));
            }
            if member(self).is_err() {
                self.recover();
            }
        }
        self.bump();
        self.expect(";")?;
        Ok(())
    }

    fn parameters(&mut self) -> Parse<Vec<Parameter>> {
        self.expect("(")?;
        let mut parameters = Vec::new();
        if self.eat(")").is_some() {
            return Ok(parameters);
        }
        loop {
            let attributes = self.attributes()?;
            let ty = self.ty()?;
            let name = self.name("the parameter's name")?;
            self.ordinal();
            if self.at("=") {
                return Err(self.unexpected("`,` or `)`, as parameters have no default values"));
            }
            parameters.push(Parameter { name, attributes, ty });
            if self.eat(",").is_none() {
                self.expect(")")?;
                return Ok(parameters);
            }
        }
    }
}

/// How documentation elsewhere names this item.
fn path(scope: Option<&str>, name: &str) -> String {
    scope.map_or_else(|| name.to_owned(), |scope| format!("{scope}::{name}"))
}
