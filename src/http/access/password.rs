//! Passwords: the rules for a new one, and argon2id of what is kept.

use std::sync::LazyLock;

use actix_web::web;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version, password_hash::phc::PasswordHash};
use ring::rand::{SecureRandom as _, SystemRandom};
use tokio::sync::Semaphore;

use crate::{http::problem::Problem, limits};

/// What people choose when they must: words that are refused as a password, and as the greater part of one.
static COMMON: LazyLock<Vec<&str>> =
    LazyLock::new(|| include_str!("../../../assets/common-passwords.txt").lines().filter(|line| !line.is_empty()).collect());

/// Why a password is not taken for a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// So many characters.
    #[error("the password has {0} characters: at least {least} are needed, and a few words do well", least = limits::PASSWORD_CHARS_MIN)]
    Short(usize),
    #[error("the password is longer than {most} bytes", most = limits::PASSWORD_BYTES_MAX)]
    Long,
    #[error("the password holds a line break or another character that no keyboard has")]
    Unprintable,
    #[error("the password holds the user's name, or little beside this program's")]
    Own,
    #[error("the password is one of those that are tried first: choose another")]
    Common,
}

impl Unfit {
    /// `None`: it is taken.
    pub fn found(password: &str, user: &str) -> Option<Unfit> {
        let chars = password.chars().count();
        if chars < limits::PASSWORD_CHARS_MIN {
            return Some(Unfit::Short(chars));
        }
        if password.len() > limits::PASSWORD_BYTES_MAX {
            return Some(Unfit::Long);
        }
        if password.chars().any(char::is_control) {
            return Some(Unfit::Unprintable);
        }
        let lower = password.to_lowercase();
        let own = lower.replace(user, "").replace("lastbuy", "");
        if (user.len() >= 3 && lower.contains(user)) || own.chars().count() < limits::PASSWORD_CHARS_MIN.div_ceil(2).max(7) + 1 {
            return Some(Unfit::Own);
        }
        // What is left when digits, signs and a common word are taken out is what somebody had to think of.
        let letters: String = lower.chars().filter(|c| c.is_alphanumeric()).collect();
        let plain = letters.trim_matches(|c: char| c.is_ascii_digit());
        let begins = |common: &str| plain.starts_with(common) && plain.len() < common.len() + 3;
        let is_common = distinct(&lower) < 5 || COMMON.iter().any(|common| letters == *common || plain == *common || begins(common));
        is_common.then_some(Unfit::Common)
    }
}

fn distinct(text: &str) -> usize {
    text.chars().collect::<std::collections::BTreeSet<char>>().len()
}

fn hasher() -> Result<Argon2<'static>, Problem> {
    let params = Params::new(limits::PASSWORD_MEMORY_KIB, limits::PASSWORD_PASSES, limits::PASSWORD_LANES, None);
    let params = params.map_err(|error| Problem::internal(format!("the parameters of password hashes: {error}")))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash_now(password: &str) -> Result<String, Problem> {
    let mut salt = [0; 16];
    SystemRandom::new().fill(&mut salt).map_err(|_| Problem::internal("the machine gives no random numbers"))?;
    let hash: PasswordHash = hasher()?
        .hash_password_with_salt(password.as_bytes(), &salt)
        .map_err(|error| Problem::internal(format!("a password cannot be hashed: {error}")))?;
    Ok(hash.to_string())
}

/// The hash of a password nobody has, so that an unknown name takes as long as a known one.
static NOBODYS: LazyLock<Option<String>> = LazyLock::new(|| hash_now("nobody has this password, and nobody can").ok());

/// Hashes passwords, a few at a time.
pub(super) struct Passwords(Semaphore);

impl Default for Passwords {
    fn default() -> Passwords {
        Passwords(Semaphore::new(limits::PASSWORDS_AT_ONCE_MAX))
    }
}

impl Passwords {
    pub async fn hash(&self, password: String) -> Result<String, Problem> {
        let _turn = self.turn().await?;
        web::block(move || hash_now(&password)).await?
    }

    /// Whether it is the password behind a hash; without one it takes as long and is not.
    pub async fn is(&self, password: String, kept: Option<String>) -> Result<bool, Problem> {
        let _turn = self.turn().await?;
        Ok(web::block(move || {
            let known = kept.is_some();
            let Some(hash) = kept.or_else(|| NOBODYS.clone()) else { return false };
            if password.len() > limits::PASSWORD_BYTES_MAX {
                return false;
            }
            let verified =
                PasswordHash::new(&hash).is_ok_and(|hash| hasher().is_ok_and(|hasher| hasher.verify_password(password.as_bytes(), &hash).is_ok()));
            verified && known
        })
        .await?)
    }

    async fn turn(&self) -> Result<tokio::sync::SemaphorePermit<'_>, Problem> {
        self.0.acquire().await.map_err(|_| Problem::internal("passwords are not checked any more"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_tried_first_is_refused_and_a_sentence_is_taken() {
        for good in ["correct horse battery", "Vier Worte sind genug", "x9$kLw02!qpZ7", "Übergröße mit Schnur"] {
            assert_eq!(Unfit::found(good, "anna"), None, "{good}");
        }
        for bad in [
            "short",
            "passwordpassword",
            "password123456",
            "Password!!!!1234",
            "qwertyuiop123",
            "aaaaaaaaaaaaaaaa",
            "annaannaanna1",
            "lastbuylastbuy",
            "line\nbreak in a password",
            &"x1y2z3w4".repeat(40),
        ] {
            assert!(Unfit::found(bad, "anna").is_some(), "{bad}");
        }
    }

    #[test]
    fn a_hash_is_argon2id_with_our_parameters_and_its_own_salt() {
        let (one, two) = (hash_now("correct horse battery").expect("hash"), hash_now("correct horse battery").expect("hash"));
        assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{one}");
        assert_ne!(one, two);
    }
}
