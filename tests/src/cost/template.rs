//! What costs by itself, read off `infra/template.yaml`.

use azukari::host::roles::Role;

/// The template, as text: what is read off it stands on lines of its own.
#[derive(Debug)]
pub struct Template(String);

impl Template {
    /// The file.
    pub fn read() -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/template.yaml");
        Self(std::fs::read_to_string(path).expect("the template is there"))
    }

    /// Resources of a kind.
    pub fn resources(&self, kind: &str) -> f64 {
        let line = format!("Type: {kind}");
        self.0.lines().filter(|text| text.trim() == line).count() as f64
    }

    /// Megabytes of memory of a function.
    pub fn memory(&self, role: Role) -> f64 {
        let build = format!("azukari-{}/", role.as_str());
        let function = self.0.split("Type: AWS::Serverless::Function").skip(1).find(|part| part.contains(&build));
        let function = function.expect("the function is in the template");
        number(function, "MemorySize").expect("its memory is said beside it")
    }

    /// Key pairs in a full pool, unless the parameter says otherwise.
    pub fn pool_target(&self) -> usize {
        let (_, parameter) = self.0.split_once("\n  PoolTarget:\n").expect("there is such a parameter");
        let target = number(parameter, "Default").expect("it has a default");
        // A whole number that is far below 2^52.
        target as usize
    }
}

/// The number behind the first `name: ` of a text.
fn number(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix(": "))?;
    line.split_whitespace().next()?.parse().ok()
}
