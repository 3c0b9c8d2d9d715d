import Trust

/// One build's directory and the command lines that run in it under bubblewrap.
///
/// The system is read-only and only the build's directory can be written; Portage's own sandboxes
/// are off inside, since they need what this one takes away.
struct BuildSandbox: Sendable {
  /// Which network a phase has.
  enum Network: Sendable {
    /// Sources are fetched; no code of an ebuild's phases runs.
    case fetching
    /// Everything else.
    case none
  }

  let settings: WorkerSettings
  let host: HostFacts
  /// The build's directory.
  let directory: String
  /// Where Portage's Python lies, from `interpreterPlaces`.
  var interpreter: [String] = []

  /// The directories that a build has, below its own.
  static let places = ["root", "etc/portage", "tmp", "binpkgs", "distfiles", "log"]

  /// The command that runs `words` inside.
  func command(_ words: [String], network: Network = .none) -> [String] {
    settings.prefix + ["/usr/bin/env"] + environment + bubblewrap(network) + words
  }

  /// The directories of the Python that runs Portage on this host: a virtual environment and what
  /// it is made from may lie where builds see nothing else. Empty if there is no `python3`.
  static func interpreterPlaces(_ settings: WorkerSettings) async -> [String] {
    let script = "import sys; print(sys.prefix); print(sys.base_prefix)"
    let child = ChildProcess(command: settings.prefix + ["python3", "-c", script])
    guard let seen = try? await child.capture(limit: 10_000, within: .seconds(30)),
      seen.status.isSuccess
    else { return [] }
    let lines = String(decoding: seen.output, as: UTF8.self).split(separator: "\n")
    return lines.map(String.init).filter { $0.hasPrefix("/") }
  }

  /// What is mounted over, empty.
  private var hidden: [String] { ["/tmp", "/var/tmp", "/run"] + settings.hidden }

  /// The host's ebuild repositories, configuration and distfiles, the directories that the prefix
  /// names, and Portage's Python where it would be hidden.
  private var visible: [String] {
    let python = interpreter.filter { place in
      settings.layout == .separateRoot && hidden.contains { place.hasPrefix($0 + "/") }
    }
    let places =
      python
      + host.repositories.map(\.location) + [host.configRoot + "/etc/portage", host.distdir]
      + settings.prefix.dropFirst().filter { $0.hasPrefix("/") } + [settings.helper]
      + settings.visible
    var found: [String] = []
    for place in places where place.utf8.count > 1 && !found.contains(place) {
      found.append(place)
    }
    return found
  }

  private var environment: [String] {
    let root =
      switch settings.layout {
      case .separateRoot: directory + "/root"
      case .wholeSystem: "/"
      }
    return [
      "ROOT=\(root)", "SYSROOT=\(root)", "PORTAGE_CONFIGROOT=\(directory)",
      "PKGDIR=\(directory)/binpkgs", "DISTDIR=\(directory)/distfiles",
      "PORTAGE_RO_DISTDIRS=\(host.distdir)", "PORTAGE_TMPDIR=\(directory)/tmp",
      "PORTAGE_LOGDIR=\(directory)/log", "EMERGE_LOG_DIR=\(directory)/log",
      "EMERGE_DEFAULT_OPTS=--color=n --nospinner --quiet-build=n", "EMERGE_WARNING_DELAY=0",
      "CLEAN_DELAY=0", "PORTAGE_ELOG_SYSTEM=", "BINPKG_FORMAT=gpkg",
    ]
  }

  private func bubblewrap(_ network: Network) -> [String] {
    var words = [settings.bubblewrap]
    switch settings.layout {
    case .separateRoot: words += ["--ro-bind", "/", "/"]
    case .wholeSystem: words += ["--bind", directory + "/root", "/"]
    }
    words += ["--dev", "/dev", "--proc", "/proc"]
    for place in hidden { words += ["--tmpfs", place] }
    for place in visible { words += ["--ro-bind-try", place, place] }
    for place in settings.scratch { words += ["--tmpfs", place] }
    words += ["--bind", directory, directory, "--chdir", directory]
    words += ["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--die-with-parent"]
    switch network {
    case .none: words += ["--unshare-net"]
    case .fetching:
      for place in ["/run/systemd/resolve", "/etc/resolv.conf", "/etc/hosts"] {
        words += ["--ro-bind-try", place, place]
      }
    }
    return words
  }
}
