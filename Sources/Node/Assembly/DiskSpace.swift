import Glibc

/// What the system says about a disk.
enum DiskSpace {
  /// The bytes that a daemon may still write where `path` lies; nil if the system doesn't say.
  static func free(at path: String) -> UInt64? {
    var status = statvfs()
    guard statvfs(path, &status) == 0 else { return nil }
    return UInt64(status.f_bavail) * UInt64(status.f_frsize)
  }
}
