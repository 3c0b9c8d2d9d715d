import Storage
import Trust
import Wire

/// What one issuer's key reaches on this host: the packages that are installed from its builds, and
/// those of them that Portage could still take.
struct AffectedPackages: Sendable, Equatable {
  /// Installed packages whose file one of the statements names.
  private(set) var installed: [String] = []
  /// Paths in the binhost directory of builds that the key signed.
  private(set) var listed: [String] = []
  /// All that the key signed and this node knows, ended or not.
  let known: Int

  /// Matches what the key signed with what is here.
  ///
  /// An installed package is recognised by the MD5 of the file that it was merged from, which Portage
  /// keeps; one that was installed before this node knew the statement is found too.
  init(statements: [StoredStatement], installed: [InstalledPackage], listings: [StoredListing]) {
    let signed = statements.compactMap { try? SignedStatement(verifying: $0.encoded) }
    let files = Set(signed.map(\.statement.md5.hex))
    let roots = Set(statements.map(\.root))
    known = statements.count
    self.installed = installed.filter { $0.md5.map { files.contains($0.lowercased()) } ?? false }
      .map(\.cpv).sorted()
    listed = listings.filter { roots.contains($0.root) }.map(\.path).sorted()
  }

  /// The lines for the user.
  var lines: [String] {
    var lines = installed.map { "\($0): installed" }
    lines += listed.map { "\($0): listed for Portage" }
    if lines.isEmpty { lines = ["nothing here comes from this key"] }
    if !installed.isEmpty {
      lines.append("build the installed ones anew: emerge --oneshot --usepkg=n =PACKAGE ...")
    }
    return lines + ["builds by this key that this node knows of: \(known)"]
  }

  /// The word is no key.
  struct BadKey: Error, CustomStringConvertible {
    let word: String

    var description: String { "'\(word)' is no key: give its 64 hexadecimal digits" }
  }
}
