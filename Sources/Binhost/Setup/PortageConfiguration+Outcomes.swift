extension PortageConfiguration {
  /// Why nothing was written.
  public enum Refusal: Error, Equatable, Sendable, CustomStringConvertible {
    /// FEATURES demands signatures that Larder's packages do not carry.
    case signaturesDemanded
    /// Somebody else wrote a section of that name.
    case sectionExists(name: String, path: String)
    /// The present file is not understood.
    case unreadable(path: String, reason: String)
    /// A path that can't stand in the file: not absolute, or with other characters than
    /// letters, digits and `._/+@,:=~-`.
    case badPath(String)
    /// The file could not be written.
    case failed(BinhostFileError)

    /// What is wrong and what to do.
    public var description: String {
      switch self {
      case .signaturesDemanded:
        """
        FEATURES contains binpkg-request-signature: Portage would then refuse every package of \
        Larder, with no fallback to the source (Larder checks signatures itself, before Portage \
        sees a package). Remove it from FEATURES in make.conf, and keep `verify-signature = true` \
        in the sections of other binhosts instead; then run `larder setup` again.
        """
      case .sectionExists(let name, let path):
        "\(path) already has a section [\(name)] that larder did not write: remove or rename it"
      case .unreadable(let path, let reason): "\(path) is not understood: \(reason)"
      case .badPath(let path): "\(path) can't stand in binrepos.conf: choose a plain absolute path"
      case .failed(let error): "\(error)"
      }
    }
  }

  /// What was done, or found to be done already.
  public enum Action: Equatable, Sendable, CustomStringConvertible {
    /// A directory was made.
    case made(String)
    /// A file was written that was not there.
    case wrote(path: String, text: String)
    /// A section was added to a file.
    case added(path: String, text: String)
    /// Our own section or file was brought up to date.
    case updated(path: String, text: String)
    /// Our own section was removed from a file.
    case removedSection(path: String)
    /// Our own file was removed.
    case removedFile(String)
    /// Nothing had to be done.
    case unchanged(String)

    /// One or a few lines for the user.
    public var description: String {
      switch self {
      case .made(let path): "made the directory \(path)"
      case .wrote(let path, let text): "wrote \(path):\n\(Self.indented(text))"
      case .added(let path, let text): "added to \(path):\n\(Self.indented(text))"
      case .updated(let path, let text): "updated in \(path):\n\(Self.indented(text))"
      case .removedSection(let path): "removed larder's section from \(path)"
      case .removedFile(let path): "removed \(path)"
      case .unchanged(let path): "nothing to do for \(path)"
      }
    }

    private static func indented(_ text: String) -> String {
      var out = ""
      for line in text.split(separator: "\n") { out += out.isEmpty ? "  \(line)" : "\n  \(line)" }
      return out
    }
  }
}
