//! The tree of an HTML page, as a flat list of linked nodes: building, walking and dropping it needs no recursion, however deep the page nests.

use std::{borrow::Cow, cell::RefCell, rc::Rc};

use html5ever::{
    Attribute, ExpandedName, LocalName, ParseOpts, QualName,
    interface::{ElementFlags, NodeOrText, QuirksMode, TreeSink},
    local_name, ns,
    tendril::{StrTendril, TendrilSink},
    tree_builder::TreeBuilderOpts,
};

/// Index of a node in its page.
pub(super) type Id = usize;

const DOCUMENT: Id = 0;

enum Content {
    Text(StrTendril),
    Element {
        name: LocalName,
        attributes: Vec<Attribute>,
    },
    /// The document, a comment, a processing instruction, the contents of a template: nothing a reader sees.
    Other,
}

struct Node {
    content: Content,
    parent: Option<Id>,
    previous: Option<Id>,
    next: Option<Id>,
    first: Option<Id>,
    last: Option<Id>,
}

/// A parsed page.
pub(super) struct Page(Vec<Node>);

impl Page {
    /// Parses as a browser does: there is no wrong HTML.
    pub(super) fn parse(html: &str) -> Page {
        let options = ParseOpts { tree_builder: TreeBuilderOpts { scripting_enabled: false, ..TreeBuilderOpts::default() }, ..ParseOpts::default() };
        html5ever::parse_document(Sink::new(), options).one(html)
    }

    pub(super) fn root(&self) -> Id {
        DOCUMENT
    }

    /// How many nodes there are; each has an id below that.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn parent(&self, of: Id) -> Option<Id> {
        self.0[of].parent
    }

    pub(super) fn children(&self, of: Id) -> impl Iterator<Item = Id> {
        std::iter::successors(self.0[of].first, |child| self.0[*child].next)
    }

    /// The text of a text node.
    pub(super) fn text(&self, id: Id) -> Option<&str> {
        match &self.0[id].content {
            Content::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The lower case name of an element.
    pub(super) fn name(&self, id: Id) -> Option<&str> {
        match &self.0[id].content {
            Content::Element { name, .. } => Some(name),
            _ => None,
        }
    }

    pub(super) fn attribute(&self, id: Id, name: &str) -> Option<&str> {
        match &self.0[id].content {
            Content::Element { attributes, .. } => {
                attributes.iter().find(|attribute| &*attribute.name.local == name).map(|attribute| &*attribute.value)
            }
            _ => None,
        }
    }

    /// Every node under this one in the order of the page; nodes for which `skip` holds are left out with all they hold.
    pub(super) fn descendants<'a>(&'a self, of: Id, skip: impl Fn(Id) -> bool + 'a) -> impl Iterator<Item = Id> + 'a {
        let mut at = self.0[of].first;
        std::iter::from_fn(move || {
            while let Some(id) = at {
                let skipped = skip(id);
                let down = if skipped { None } else { self.0[id].first };
                at = down.or_else(|| {
                    let mut up = id;
                    loop {
                        if up == of {
                            return None;
                        }
                        match self.0[up].next {
                            Some(next) => return Some(next),
                            None => up = self.0[up].parent?,
                        }
                    }
                });
                if !skipped {
                    return Some(id);
                }
            }
            None
        })
    }
}

/// What the parser knows a node by: the name is kept with it because the parser asks for it by reference.
#[derive(Clone)]
struct Handle {
    id: Id,
    name: Rc<QualName>,
}

struct Sink {
    nodes: RefCell<Vec<Node>>,
    no_name: Rc<QualName>,
}

impl Sink {
    fn new() -> Sink {
        let sink = Sink { nodes: RefCell::default(), no_name: Rc::new(QualName::new(None, ns!(), local_name!(""))) };
        sink.add(Content::Other);
        sink
    }

    fn add(&self, content: Content) -> Handle {
        let mut nodes = self.nodes.borrow_mut();
        nodes.push(Node { content, parent: None, previous: None, next: None, first: None, last: None });
        Handle { id: nodes.len() - 1, name: Rc::clone(&self.no_name) }
    }

    /// Puts a child into `parent`, before `before` or at the end; text joins the text before it.
    fn insert(&self, parent: Id, child: NodeOrText<Handle>, before: Option<Id>) {
        let previous = {
            let nodes = self.nodes.borrow();
            before.map_or(nodes[parent].last, |before| nodes[before].previous)
        };
        let child = match child {
            NodeOrText::AppendNode(handle) => handle.id,
            NodeOrText::AppendText(text) => {
                if let Some(previous) = previous
                    && let Content::Text(joined) = &mut self.nodes.borrow_mut()[previous].content
                {
                    joined.push_tendril(&text);
                    return;
                }
                self.add(Content::Text(text)).id
            }
        };
        self.detach(child);
        let mut nodes = self.nodes.borrow_mut();
        // The child itself may have been the one before.
        let previous = before.map_or(nodes[parent].last, |before| nodes[before].previous);
        nodes[child].parent = Some(parent);
        nodes[child].previous = previous;
        nodes[child].next = before;
        match previous {
            Some(previous) => nodes[previous].next = Some(child),
            None => nodes[parent].first = Some(child),
        }
        match before {
            Some(before) => nodes[before].previous = Some(child),
            None => nodes[parent].last = Some(child),
        }
    }

    fn detach(&self, id: Id) {
        let mut nodes = self.nodes.borrow_mut();
        let (Some(parent), previous, next) = (nodes[id].parent.take(), nodes[id].previous.take(), nodes[id].next.take()) else { return };
        match previous {
            Some(previous) => nodes[previous].next = next,
            None => nodes[parent].first = next,
        }
        match next {
            Some(next) => nodes[next].previous = previous,
            None => nodes[parent].last = previous,
        }
    }

    fn parent(&self, id: Id) -> Option<Id> {
        self.nodes.borrow()[id].parent
    }
}

impl TreeSink for Sink {
    type Handle = Handle;
    type Output = Page;
    type ElemName<'a> = ExpandedName<'a>;

    fn finish(self) -> Page {
        Page(self.nodes.into_inner())
    }

    fn parse_error(&self, _message: Cow<'static, str>) {}

    fn get_document(&self) -> Handle {
        Handle { id: DOCUMENT, name: Rc::clone(&self.no_name) }
    }

    fn elem_name<'a>(&'a self, target: &'a Handle) -> ExpandedName<'a> {
        target.name.expanded()
    }

    fn create_element(&self, name: QualName, attributes: Vec<Attribute>, _flags: ElementFlags) -> Handle {
        let handle = self.add(Content::Element { name: name.local.clone(), attributes });
        Handle { name: Rc::new(name), ..handle }
    }

    fn create_comment(&self, _text: StrTendril) -> Handle {
        self.add(Content::Other)
    }

    fn create_pi(&self, _target: StrTendril, _data: StrTendril) -> Handle {
        self.add(Content::Other)
    }

    fn append(&self, parent: &Handle, child: NodeOrText<Handle>) {
        self.insert(parent.id, child, None);
    }

    fn append_based_on_parent_node(&self, element: &Handle, previous: &Handle, child: NodeOrText<Handle>) {
        match self.parent(element.id) {
            Some(parent) => self.insert(parent, child, Some(element.id)),
            None => self.insert(previous.id, child, None),
        }
    }

    fn append_doctype_to_document(&self, _name: StrTendril, _public_id: StrTendril, _system_id: StrTendril) {}

    /// What a template holds is never shown: it hangs from no node.
    fn get_template_contents(&self, _target: &Handle) -> Handle {
        self.add(Content::Other)
    }

    fn same_node(&self, x: &Handle, y: &Handle) -> bool {
        x.id == y.id
    }

    fn set_quirks_mode(&self, _mode: QuirksMode) {}

    fn append_before_sibling(&self, sibling: &Handle, child: NodeOrText<Handle>) {
        if let Some(parent) = self.parent(sibling.id) {
            self.insert(parent, child, Some(sibling.id));
        }
    }

    fn add_attrs_if_missing(&self, target: &Handle, more: Vec<Attribute>) {
        if let Content::Element { attributes, .. } = &mut self.nodes.borrow_mut()[target.id].content {
            for attribute in more {
                if !attributes.iter().any(|known| known.name == attribute.name) {
                    attributes.push(attribute);
                }
            }
        }
    }

    fn remove_from_parent(&self, target: &Handle) {
        self.detach(target.id);
    }

    fn reparent_children(&self, node: &Handle, new_parent: &Handle) {
        let mut at = self.nodes.borrow()[node.id].first;
        while let Some(child) = at {
            at = self.nodes.borrow()[child].next;
            let handle = Handle { id: child, name: Rc::clone(&self.no_name) };
            self.insert(new_parent.id, NodeOrText::AppendNode(handle), None);
        }
    }
}
