import Glibc
import Portage

/// Tells Portage about the local binhost: `larder setup` and its undo.
///
/// Where `binrepos.conf` is a directory the section gets a file `larder.conf` of its own in it; where
/// it is a file, the section stands at its end between two marks, and undoing gives back the very
/// bytes from before. Nothing else of Portage's configuration is touched.
public struct PortageConfiguration: Sendable {
  /// What to write, and where.
  public struct Settings: Sendable, Equatable {
    /// The path of `binrepos.conf`, a file, a directory, or nothing yet.
    public var binrepos = "/etc/portage/binrepos.conf"
    /// The section's name.
    public var section = "larder"
    /// The directory of the binhost that holds `current`.
    public var binhost = "/var/lib/larder/binhost"
    /// Where Portage puts what it takes.
    public var location = "/var/lib/larder/binhost-cache"
    /// Larger goes first where two binhosts offer the same instance.
    public var priority = 10
    /// The words of Portage's FEATURES.
    public var features: Set<String> = []

    /// The defaults.
    public init() {}
  }

  private let settings: Settings
  private let files = IndexFiles()

  /// A configuration to be written with these settings.
  public init(_ settings: Settings) {
    self.settings = settings
  }

  /// The address that Portage reads.
  public var syncURI: String { "file://\(settings.binhost)/current" }

  /// The lines of our section.
  public var section: String {
    """
    [\(settings.section)]
    sync-uri = \(syncURI)
    location = \(settings.location)
    priority = \(settings.priority)
    verify-signature = false

    """
  }

  /// Whether the section stands there as `setup` would write it. Blocks.
  public var isWritten: Bool {
    if files.isDirectory(settings.binrepos) {
      return (try? read(ownFile)) == Self.ownHead + section
    }
    guard let text = try? read(settings.binrepos) else { return false }
    return MarkedBlock(in: text)?.content == section
  }

  /// Writes the section; once it stands there, does nothing. Blocks.
  public func setup() throws(Refusal) -> [Action] {
    if settings.features.contains("binpkg-request-signature") { throw .signaturesDemanded }
    for path in [settings.binhost, settings.location, settings.binrepos] {
      guard Self.isPlain(path) else { throw .badPath(path) }
    }
    if files.isDirectory(settings.binrepos) {
      return try writeOwnFile()
    }
    return try editSharedFile()
  }

  /// Removes what `setup` wrote; nothing else changes by a byte. Blocks.
  public func undo() throws(Refusal) -> [Action] {
    if files.isDirectory(settings.binrepos) {
      let path = ownFile
      guard let text = try read(path) else { return [.unchanged(path)] }
      guard text.hasPrefix(Self.ownHead) else {
        throw .sectionExists(name: settings.section, path: path)
      }
      try attempt { try files.remove(path) }
      return [.removedFile(path)]
    }
    let path = settings.binrepos
    guard let text = try read(path), let block = MarkedBlock(in: text) else {
      return [.unchanged(path)]
    }
    let rest = block.removed
    if rest.isEmpty, block.madeFile {
      try attempt { try files.remove(path) }
      return [.removedFile(path)]
    }
    try replace(path, with: rest)
    return [.removedSection(path: path)]
  }

  private static let ownHead = "# Written by `larder setup`; `larder setup --undo` removes it.\n"

  private var ownFile: String { "\(settings.binrepos)/\(settings.section).conf" }

  private func writeOwnFile() throws(Refusal) -> [Action] {
    let path = ownFile
    for name in files.names(in: settings.binrepos) where !name.hasPrefix(".") {
      let other = "\(settings.binrepos)/\(name)"
      guard other != path, let text = try read(other) else { continue }
      try refuseForeignSection(in: text, at: other)
    }
    let text = Self.ownHead + section
    guard let present = try read(path) else {
      try replace(path, with: text)
      return [.wrote(path: path, text: section)]
    }
    if present == text { return [.unchanged(path)] }
    guard present.hasPrefix(Self.ownHead) else {
      throw .sectionExists(name: settings.section, path: path)
    }
    try replace(path, with: text)
    return [.updated(path: path, text: section)]
  }

  private func editSharedFile() throws(Refusal) -> [Action] {
    let path = settings.binrepos
    guard let present = try read(path) else {
      let parent = String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)])
      var actions: [Action] = []
      if !parent.isEmpty, !files.isDirectory(parent) {
        try attempt { try files.makeDirectory(parent) }
        actions.append(.made(parent))
      }
      try replace(path, with: MarkedBlock.appended(section, to: nil))
      return actions + [.wrote(path: path, text: section)]
    }
    if let block = MarkedBlock(in: present) {
      if block.content == section { return [.unchanged(path)] }
      try refuseForeignSection(in: block.removed, at: path)
      let former = block.madeFile && block.removed.isEmpty ? nil : block.removed
      try replace(path, with: MarkedBlock.appended(section, to: former))
      return [.updated(path: path, text: section)]
    }
    try refuseForeignSection(in: present, at: path)
    try replace(path, with: MarkedBlock.appended(section, to: present))
    return [.added(path: path, text: section)]
  }

  private func refuseForeignSection(in text: String, at path: String) throws(Refusal) {
    let parsed: BinrepoConfiguration
    do {
      parsed = try BinrepoConfiguration(text)
    } catch {
      throw .unreadable(path: path, reason: "\(error)")
    }
    if parsed.section(settings.section) != nil {
      throw .sectionExists(name: settings.section, path: path)
    }
  }

  private func read(_ path: String) throws(Refusal) -> String? {
    guard files.status(path) != nil else { return nil }
    // The link itself stays: only what it points at is read and replaced.
    guard let file = ReadableFile(resolved(path)) else {
      throw .unreadable(path: path, reason: "it is no plain file or may not be read")
    }
    let bytes = file.read(count: Int(min(file.size, 1 << 20)), at: 0)
    guard UInt64(bytes.count) == file.size, let text = String(validating: bytes, as: UTF8.self)
    else { throw .unreadable(path: path, reason: "it is too long or no UTF-8") }
    return text
  }

  private func replace(_ path: String, with text: String) throws(Refusal) {
    let place = resolved(path)
    let former = files.status(place)
    try attempt {
      let temporary = place + ".larder-new"
      do {
        let file = try IndexFile(creating: temporary, on: files)
        try file.append(Array(text.utf8))
        try file.sync()
        if let former { files.adopt(former, for: temporary) }
        try files.rename(temporary, to: place)
      } catch {
        try? files.remove(temporary)
        throw error
      }
    }
  }

  private func resolved(_ path: String) -> String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    return String(cString: real)
  }

  private func attempt(_ body: () throws -> Void) throws(Refusal) {
    do {
      try body()
    } catch let error as BinhostFileError {
      throw .failed(error)
    } catch {
      throw .unreadable(path: settings.binrepos, reason: "\(error)")
    }
  }

  private static func isPlain(_ path: String) -> Bool {
    guard path.utf8.first == UInt8(ascii: "/"), path.utf8.count <= 1_024 else { return false }
    return path.unicodeScalars.allSatisfy { scalar in
      switch scalar {
      case "a"..."z", "A"..."Z", "0"..."9", ".", "_", "/", "+", "@", ",", ":", "=", "~", "-": true
      default: false
      }
    }
  }
}
