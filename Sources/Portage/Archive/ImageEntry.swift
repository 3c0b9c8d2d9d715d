/// One file, directory or link that a package installs.
public struct ImageEntry: Sendable, Hashable {
  /// What it is.
  public enum Kind: Sendable, Hashable {
    /// A regular file.
    case file
    /// A directory.
    case directory
    /// A symbolic link; the target is as written, absolute or not.
    case symbolicLink(target: String)
    /// A second name of an earlier file; the target is a path like `path`.
    case hardLink(target: String)
  }

  /// The path below the image, without a leading slash; empty for the image's own directory.
  ///
  /// Swift compares strings by canonical equivalence: sort and compare `path.utf8`.
  public let path: String
  /// What it is.
  public let kind: Kind
  /// The permission bits, set-user-id and the like included (octal 07777).
  public let mode: UInt32
  /// The owner's number.
  public let userID: Int64
  /// The group's number.
  public let groupID: Int64
  /// The owner's name, empty where none was written; Portage prefers it to the number.
  public let userName: String
  /// The group's name, empty where none was written.
  public let groupName: String
  /// Bytes of content; zero for all but files.
  public let size: UInt64
  /// The modification time in Unix seconds.
  public let modified: Int64

  /// Makes an entry.
  public init(
    path: String, kind: Kind, mode: UInt32, userID: Int64 = 0, groupID: Int64 = 0,
    userName: String = "", groupName: String = "", size: UInt64 = 0, modified: Int64 = 0
  ) {
    self.path = path
    self.kind = kind
    self.mode = mode
    self.userID = userID
    self.groupID = groupID
    self.userName = userName
    self.groupName = groupName
    self.size = size
    self.modified = modified
  }
}
