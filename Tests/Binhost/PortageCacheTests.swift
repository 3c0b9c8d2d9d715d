import TestSupport
import Testing

@testable import Binhost

@Test func timeOfPortagesCopyIsRead() throws {
  let directory = try TemporaryDirectory()
  let binhost = "/var/lib/larder/binhost"
  #expect(PortageCache.timestamp(eroot: directory.path, binhost: binhost) == 0)
  let name = "var/cache/edb/binhost/var/lib/larder/binhost/current/Packages"
  #expect(PortageCache.path(eroot: directory.path + "/", binhost: binhost).hasSuffix(name))
  try directory.write(Array("PACKAGES: 1\nTIMESTAMP: 1800000000\n\nCPV: a/b-1\n".utf8), to: name)
  #expect(PortageCache.timestamp(eroot: directory.path, binhost: binhost) == 1_800_000_000)
  try directory.write(Array("PACKAGES: 1\n\nTIMESTAMP: 5\n".utf8), to: name)
  #expect(PortageCache.timestamp(eroot: directory.path, binhost: binhost) == 0)
}
