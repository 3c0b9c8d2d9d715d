public import Portage

/// A package to be offered: the index entry and the complete, checked file behind it.
public struct BinhostListing: Sendable, Equatable {
  /// The entry; its `PATH` is one that `BinhostDirectory.path(of:root:)` made.
  public let entry: PrintedEntry
  /// The file's path in the blob store, on the same file system as the binhost.
  public let file: String

  /// A package with this entry and file.
  public init(entry: PrintedEntry, file: String) {
    self.entry = entry
    self.file = file
  }
}

/// A package that was left out of the index, and why.
public struct RefusedListing: Sendable, Equatable, CustomStringConvertible {
  /// `category/package-version`, as far as it is known.
  public let cpv: String
  /// What is wrong, in a few words.
  public let reason: String

  /// `app-misc/a-1: the file is not here`.
  public var description: String { "\(cpv): \(reason)" }
}

/// An index that Portage can read: one directory that is never changed once `current` points at it.
public struct BinhostGeneration: Sendable, Equatable {
  /// The index's `TIMESTAMP` in Unix seconds; larger than that of any generation before.
  public let timestamp: Int64
  /// The directory.
  public let path: String
}
