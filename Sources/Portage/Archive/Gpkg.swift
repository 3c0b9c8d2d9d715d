/// Gentoo's binary package container (GLEP 78): a tar of `gpkg-1`, metadata, image and Manifest.
public enum Gpkg {
  /// Bounds of what is read; a package beyond them is refused, not cut.
  public struct Limits: Sendable {
    /// Bytes of the file.
    public var fileBytes: UInt64 = 8 << 30
    /// Files in the metadata.
    public var metadataEntries = 512
    /// Bytes of one metadata file; `environment.bz2` and the ebuild are the largest.
    public var metadataFileBytes = 16 << 20
    /// Bytes of the unpacked metadata tar.
    public var metadataBytes: UInt64 = 64 << 20
    /// Entries of the image; the kernel's sources have about 90,000.
    public var imageEntries = 400_000
    /// Bytes of the unpacked image tar.
    public var imageBytes: UInt64 = 32 << 30
    /// Unpacked bytes per packed byte, once more than `freeBytes` were unpacked.
    public var ratio: UInt64 = 200
    /// What may be unpacked whatever the ratio: small packages of zeros are harmless.
    public var freeBytes: UInt64 = 64 << 20
    /// Bytes of one path or link target; Linux' own limit.
    public var pathBytes = 4096

    /// The limits above.
    public init() {}
  }

  /// A part of the container, for errors.
  public enum Part: String, Sendable, Hashable {
    /// The outer tar.
    case container
    /// The tar of metadata files.
    case metadata
    /// The tar of what is installed.
    case image
  }

  /// Why a path inside a package is refused.
  public enum PathProblem: Sendable, Hashable {
    /// It begins with a slash.
    case absolute
    /// It has a component `..`.
    case climbing
    /// It has an empty component or `.`.
    case notNormal
    /// It isn't below `image/` or `metadata/`.
    case outside
    /// It is no UTF-8 or has a control character.
    case characters
    /// It is longer than the bound.
    case tooLong
    /// It leads through an entry that is no directory.
    case throughNonDirectory
    /// It was there before.
    case duplicate
  }

  /// What is wrong with the Manifest.
  public enum ManifestProblem: Sendable, Hashable {
    /// A line that is not `DATA name size (algorithm digest)+`; the first line is one.
    case malformed(line: Int)
    /// A member that it doesn't name.
    case unnamed(String)
    /// A name without a member, or a second line for one.
    case surplus(String)
    /// Another size.
    case size(String)
    /// Another digest.
    case digest(String, algorithm: String)
    /// None of the digests is one that the caller computes.
    case noKnownDigest(String)
  }

  /// Why a package is refused.
  public enum ReadError: Error, Sendable, Hashable {
    /// The file could not be opened or read; the system's error number.
    case cannotRead(errno: Int32)
    /// A directory, a device or the like.
    case notAFile
    /// The file is longer than the bound.
    case fileTooLarge(UInt64, limit: UInt64)
    /// Damaged, cut off, or not of the form at all, in libarchive's words.
    case damaged(Part, String)
    /// A member that may not stand at this place of the container.
    case unexpectedMember(String)
    /// The container ends before this member.
    case missingMember(String)
    /// A member that is no regular file, or a marker or signature out of bounds.
    case badMember(String)
    /// The member's content isn't packed as its name says, or packed in a way that isn't read.
    case compression(String)
    /// Headers that another reader may see differently: extended, sparse or overlapping ones.
    case ambiguousHeader(Part)
    /// Bytes after the end of an archive that are not zero, or after the end of packed data.
    case trailingBytes(Part)
    /// More entries than the bound.
    case tooManyEntries(Part, limit: Int)
    /// More unpacked bytes than the bound.
    case tooLarge(Part, limit: UInt64)
    /// More unpacked bytes per packed byte than the bound.
    case ratio(Part, limit: UInt64)
    /// A path that is refused.
    case path(String, PathProblem)
    /// A device, FIFO, socket or unknown type, or a metadata entry that is no file.
    case entryType(String)
    /// A hard link to anything but an earlier file of the image.
    case hardLink(String)
    /// A link target that is empty or out of bounds.
    case linkTarget(String)
    /// A metadata file longer than the bound.
    case metadataFileTooLarge(String, limit: Int)
    /// The Manifest doesn't fit the members.
    case manifest(ManifestProblem)
  }
}

/// Digests of one member of the container, as the Manifest names them.
public protocol MemberDigest {
  /// Takes the next bytes.
  mutating func update(_ bytes: UnsafeRawBufferPointer)
  /// Algorithm (`BLAKE2B`, `SHA512`) to digest, in lower-case hexadecimal.
  mutating func finish() -> [String: String]
}

/// Sees the image of a package, entry by entry, while it is unpacked.
///
/// What it sees is not yet checked against the Manifest, which comes last: keep conclusions
/// until `Gpkg.read` returns.
public protocol GpkgVisitor {
  /// The next entry.
  mutating func visit(_ entry: ImageEntry)
  /// The next piece of the last entry's content; only files have any.
  mutating func visit(content: UnsafeRawBufferPointer, of entry: ImageEntry)
  /// The end of the last entry.
  mutating func leave(_ entry: ImageEntry)
}
