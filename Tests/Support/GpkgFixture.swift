/// A binary package made for a test, hostile or not.
public struct GpkgFixture: Sendable {
  /// One entry of a tar.
  public struct Entry: Sendable {
    /// The path as it stands in the tar.
    public var path: String
    /// The type bits: `0o100000` file, `0o040000` directory, `0o120000` symbolic link.
    public var type: UInt32
    /// The permission bits.
    public var mode: UInt32
    /// The target of a symbolic or hard link.
    public var target: String
    /// Whether it is a hard link.
    public var isHardLink: Bool
    /// The content.
    public var content: [UInt8]

    /// Makes an entry of any kind.
    public init(
      path: String, type: UInt32, mode: UInt32 = 0o644, target: String = "",
      isHardLink: Bool = false, content: [UInt8] = []
    ) {
      self.path = path
      self.type = type
      self.mode = mode
      self.target = target
      self.isHardLink = isHardLink
      self.content = content
    }

    /// A regular file.
    public static func file(_ path: String, _ content: [UInt8], mode: UInt32 = 0o644) -> Entry {
      Entry(path: path, type: 0o100000, mode: mode, content: content)
    }

    /// A directory.
    public static func directory(_ path: String, mode: UInt32 = 0o755) -> Entry {
      Entry(path: path, type: 0o040000, mode: mode)
    }

    /// A symbolic link.
    public static func symbolicLink(_ path: String, to target: String) -> Entry {
      Entry(path: path, type: 0o120000, mode: 0o777, target: target)
    }

    /// A hard link; the target is a path in the tar.
    public static func hardLink(_ path: String, to target: String) -> Entry {
      Entry(path: path, type: 0o100000, target: target, isHardLink: true)
    }
  }

  /// A member of the container.
  public struct Member: Sendable {
    /// The name below the container's directory.
    public var name: String
    /// The bytes.
    public var content: [UInt8]

    /// Makes a member.
    public init(_ name: String, _ content: [UInt8]) {
      self.name = name
      self.content = content
    }
  }

  /// How a tar is packed; the raw value is the end of its name.
  public enum Compression: String, Sendable, CaseIterable {
    /// Not at all.
    case none = ""
    /// Zstandard.
    case zstd = ".zst"
    /// xz.
    case xz = ".xz"
    /// gzip.
    case gzip = ".gz"
    /// bzip2.
    case bzip2 = ".bz2"
  }

  /// The container's directory.
  public var container = "hello-1.0-1"
  /// Metadata files by name.
  public var metadata: [String: [UInt8]]
  /// The image; paths stand in the tar as they are, so they begin with `image/`.
  public var image: [Entry]
  /// How both tars are packed.
  public var compression = Compression.zstd

  /// A package of the category `app-lab`; `metadata` holds texts, a few that are missing are added.
  public init(_ name: String = "hello-1.0", metadata: [String: String] = [:], image: [Entry] = []) {
    let standard = [
      "BUILD_ID": "1", "BUILD_TIME": "1700000000", "CATEGORY": "app-lab", "EAPI": "8",
      "CHOST": "x86_64-pc-linux-gnu", "PF": name, "SLOT": "0", "repository": "larder-lab",
      "IUSE": "", "USE": "amd64 elibc_glibc kernel_linux", "\(name).ebuild": "EAPI=8",
    ]
    container = "\(name)-1"
    self.metadata = standard.merging(metadata) { $1 }.mapValues { Array("\($0)\n".utf8) }
    self.image = image
  }

  /// The members in their order, without the Manifest.
  public func members() -> [Member] {
    var entries: [Entry] = []
    for (name, content) in metadata.sorted(by: { $0.key < $1.key }) {
      entries.append(.file("metadata/\(name)", content))
    }
    let end = compression.rawValue
    return [
      Member("gpkg-1", []),
      Member("metadata.tar\(end)", Self.tar(entries, packed: compression)),
      Member("image.tar\(end)", Self.tar(image, packed: compression)),
    ]
  }

  /// The file's bytes.
  public func bytes() -> [UInt8] {
    let members = members()
    return Self.container(container, members + [Self.manifest(of: members)])
  }

  /// A Manifest with the members' sizes and BLAKE2B digests.
  public static func manifest(of members: [Member]) -> Member {
    var text = ""
    for member in members {
      var digest = BLAKE2bMemberDigest()
      member.content.withUnsafeBytes { digest.update($0) }
      let hex = digest.finish()["BLAKE2B"] ?? ""
      text += "DATA \(member.name) \(member.content.count) BLAKE2B \(hex)\n"
    }
    return Member("Manifest", Array(text.utf8))
  }

  /// A container with any members.
  public static func container(_ directory: String, _ members: [Member]) -> [UInt8] {
    tar(members.map { .file("\(directory)/\($0.name)", $0.content) }, packed: .none)
  }
}
