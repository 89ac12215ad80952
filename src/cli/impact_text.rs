pub fn text(_: &crate::impact::Assessment) -> String {
    todo!()
}
pub fn why_text(_: &crate::impact::Assessment, _: &str) -> Result<String, String> {
    todo!()
}
