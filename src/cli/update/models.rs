//! Model packs: models and adapters without internet, out of a signed bundle. Each has to read a notice here before it is put beside the others, and a service that
//! is not ready with them gets back what was there.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use semver::Version;

use super::{super::output, site::Site};
use crate::bundle::{self, Keys, Kind, Manifest};

/// Which pack was put there last, beside the models.
const NOTE: &str = "pack.version";
const MODEL: &str = ".gguf";
const ADAPTER: &str = ".adapter.gguf";
/// What each model of a pack reads before it is taken.
const TRIED_WITH: &str = "PRODUCT DISCONTINUANCE NOTICE\nManufacturer: Acme\nAffected part: AX100-3\nLast time buy date: 2027-03-31\n";

/// Files of a pack lie side by side: models, adapters of models in the pack or here, and texts that go with them.
fn names(manifest: &Manifest) -> anyhow::Result<Vec<&str>> {
    let names: Vec<&str> = manifest.files.iter().map(|file| file.path.as_str()).collect();
    if let Some(name) = names.iter().find(|name| name.contains('/') || ![MODEL, ".md", ".txt"].iter().any(|ending| name.ends_with(ending))) {
        anyhow::bail!("the pack holds '{name}': models (*{MODEL}) and their texts (*.md, *.txt) lie side by side in a pack, and nothing else");
    }
    anyhow::ensure!(names.iter().any(|name| name.ends_with(MODEL)), "the pack holds no model (*{MODEL})");
    Ok(names)
}

pub fn apply(path: &Path, keys: &Keys, site: &Site) -> anyhow::Result<()> {
    let folder = site.models();
    fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    site.hand_over(&folder)?;
    // Beside the models, so that taking their place is one renaming.
    let staged =
        tempfile::Builder::new().prefix(".pack.").tempdir_in(&folder).with_context(|| format!("{} cannot be written to", folder.display()))?;
    let (manifest, key) = bundle::unpack(path, keys, Kind::Models, Some(staged.path()))?;
    let version = Version::parse(&manifest.version).with_context(|| format!("'{}' is no version", manifest.version))?;
    let before = fs::read_to_string(folder.join(NOTE)).ok().and_then(|text| Version::parse(text.trim()).ok());
    if let Some(before) = before.filter(|before| *before >= version) {
        anyhow::bail!("the pack {version} is not newer than the one that is here ({before})");
    }
    let names = names(&manifest)?;
    output::note(&format!("{}: models {version}, signed with the key {key}", path.display()));
    // The service's user tries them, and reads them later.
    fs::set_permissions(staged.path(), fs::Permissions::from_mode(0o755))?;
    for name in &names {
        let file = staged.path().join(name);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644))?;
        site.hand_over(&file)?;
    }
    for model in tried(&names) {
        tries(site, &folder, staged.path(), &model).map_err(|why| anyhow::anyhow!("the pack was not taken, nothing was changed: {model}: {why}"))?;
    }

    // From here on something is touched, and put back if it goes wrong.
    fs::write(staged.path().join(NOTE), format!("{version}\n"))?;
    site.hand_over(&staged.path().join(NOTE))?;
    let all: Vec<&str> = names.iter().copied().chain([NOTE]).collect();
    // Of an attempt that was cut off.
    for name in &all {
        forget(&previous(&folder.join(name)))?;
    }
    site.stop()?;
    let mut touched = Vec::new();
    let placed = all.iter().try_for_each(|name| {
        touched.push(folder.join(name));
        take(&staged.path().join(name), &folder.join(name))
    });
    let well = placed.map_err(|error| format!("{error:#}")).and_then(|()| site.start_and_ask());
    if let Err(why) = well {
        site.stop()?;
        touched.iter().try_for_each(|target| give_back(target))?;
        site.start()?;
        anyhow::bail!("the models {version} were taken back: {why}. What was there is in force again");
    }
    touched.iter().try_for_each(|target| forget(&previous(target)))?;
    output::print(&format!(
        "Models {version} are in {}: {}. `lastbuy model list` shows which is used; another is chosen by model.file in the configuration.",
        folder.display(),
        names.join(", ")
    ))
}

/// Models that a pack changes: those it brings, and those whose adapter it brings.
fn tried(names: &[&str]) -> BTreeSet<String> {
    let of =
        |name: &&str| name.strip_suffix(ADAPTER).map(|stem| format!("{stem}{MODEL}")).or_else(|| name.ends_with(MODEL).then(|| (*name).to_owned()));
    names.iter().filter_map(of).collect()
}

/// Has this program read a notice with the model as it will be.
fn tries(site: &Site, folder: &Path, staged: &Path, model: &str) -> Result<(), String> {
    let path = staged.join(model);
    let is_lent = !path.exists();
    if is_lent {
        let here = folder.join(model);
        if !here.is_file() {
            return Err(format!("the pack brings an adapter for it, and it is neither in the pack nor in {}", folder.display()));
        }
        symlink(&here, &path).map_err(|error| error.to_string())?;
    }
    // No file of a bundle has a blank in its name.
    let notice = staged.join("tried with.txt");
    let tried = fs::write(&notice, TRIED_WITH).map_err(|error| error.to_string()).and_then(|()| {
        let (model, notice) = (path.to_string_lossy(), notice.to_string_lossy());
        site.run(site.program(), &["--model", &model, "read", "--flat", &notice])
    });
    if is_lent {
        fs::remove_file(&path).map_err(|error| error.to_string())?;
    }
    tried.map(drop)
}

fn previous(path: &Path) -> PathBuf {
    let mut name = OsString::from(path.as_os_str());
    name.push(".previous");
    name.into()
}

fn forget(path: &Path) -> anyhow::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).with_context(|| format!("{} cannot be removed", path.display())),
        _ => Ok(()),
    }
}

/// Puts a file in its place, and keeps what was there beside it.
fn take(new: &Path, target: &Path) -> anyhow::Result<()> {
    if target.exists() {
        fs::rename(target, previous(target)).with_context(|| format!("{} cannot be kept", target.display()))?;
    }
    fs::rename(new, target).with_context(|| format!("{} cannot be placed", target.display()))?;
    Ok(fs::File::open(target.parent().unwrap_or(Path::new("/")))?.sync_all()?)
}

/// The way back from `take`, from wherever it got to.
fn give_back(target: &Path) -> anyhow::Result<()> {
    let kept = previous(target);
    if kept.exists() {
        return fs::rename(&kept, target).with_context(|| format!("{} cannot be put back", target.display()));
    }
    forget(target)
}
