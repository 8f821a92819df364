//! Attributes that give shapes a color and a size where the style sheet does not apply.
//!
//! Jenkins serves reports with a content security policy that forbids styles. An SVG without a size then
//! fills the page, and curves become black areas. Style sheets override these attributes.

/// Attributes of the classes of shapes, with the colors of the light theme.
const ATTRIBUTES: [(&str, &str); 22] = [
    ("line one", r##"fill="none" stroke="#0a5ca8" stroke-width="2" vector-effect="non-scaling-stroke""##),
    ("line two", r##"fill="none" stroke="#9a4a06" stroke-width="2" vector-effect="non-scaling-stroke""##),
    ("line three", r##"fill="none" stroke="#7f8894" vector-effect="non-scaling-stroke""##),
    ("line longest", r##"fill="none" stroke="#15181c" vector-effect="non-scaling-stroke""##),
    ("line offered", r##"fill="none" stroke="#15181c" vector-effect="non-scaling-stroke""##),
    ("edge", r##"fill="none" stroke="#7f8894" vector-effect="non-scaling-stroke""##),
    ("area completed", r##"fill="#a9cbea""##),
    ("area refused", r##"fill="#7f8894""##),
    ("area failed", r##"fill="#b3211a""##),
    ("area band", r##"fill="#e8ebef""##),
    ("band", r##"fill="#e8ebef""##),
    ("axis", r##"stroke="#7f8894""##),
    ("thin", r##"stroke="#0a5ca8""##),
    ("thick", r##"stroke="#0a5ca8" stroke-width="5""##),
    ("part", r##"stroke="#0a5ca8" stroke-width="12""##),
    ("dot", r##"fill="#0a5ca8""##),
    ("stop", r##"stroke="#0a5ca8" stroke-width="2""##),
    ("heat h0", r##"fill="#0a5ca8" stroke="#0a5ca8" opacity=".14""##),
    ("heat h1", r##"fill="#0a5ca8" stroke="#0a5ca8" opacity=".3""##),
    ("heat h2", r##"fill="#0a5ca8" stroke="#0a5ca8" opacity=".5""##),
    ("heat h3", r##"fill="#0a5ca8" stroke="#0a5ca8" opacity=".74""##),
    ("heat h4", r##"fill="#0a5ca8" stroke="#0a5ca8""##),
];

/// Adds the attributes to a page. Text from outside has no quotes, so it contains no such class.
pub(super) fn with_attributes(page: &str) -> String {
    ATTRIBUTES.iter().fold(page.to_owned(), |page, (class, attributes)| {
        page.replace(&format!(" class=\"{class}\""), &format!(" {attributes} class=\"{class}\""))
    })
}
