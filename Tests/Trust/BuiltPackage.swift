import Foundation
import Portage
import TestSupport
import Wire

@testable import Trust

/// A gpkg that fits `Samples.facts()`, to be changed and looked into.
struct BuiltPackage {
  var metadata: [String: String] = [
    "CATEGORY": "app-lab", "PF": "caskcat-1.0-r1", "SLOT": "0/2", "repository": "gentoo",
    "EAPI": "8", "IUSE": "debug +doc nls python_targets_python3_12",
    "USE": "amd64 elibc_glibc kernel_linux nls python_targets_python3_12",
    "CHOST": "x86_64-pc-linux-gnu", "BDEPEND": "sys-devel/gcc",
    "DEPEND": "dev-lab/libcask:0/2= dev-lab/headers", "IDEPEND": "app-lab/installer",
    "PDEPEND": "app-lab/plugin",
    "RDEPEND":
      "dev-lab/libcask:0/2= || ( dev-lab/a:0/1= dev-lab/b:0/3= ) >=sys-libs/glibc-2.40",
    "REQUIRES": "x86_64: libc.so.6 libcask.so.2", "PROVIDES": "x86_64: libcaskcat.so.1",
    "BUILD_TIME": "\(builtAt.seconds)", "caskcat-1.0-r1.ebuild": "EAPI=8\nSLOT=0/2",
  ]
  var variables: [String: String] = [
    "ABI": "amd64", "DEFAULT_ABI": "amd64", "MULTILIB_ABIS": "amd64 x86", "LIBDIR_amd64": "lib64",
    "LIBDIR_x86": "lib", "ARCH": "amd64", "ELIBC": "glibc", "KERNEL": "linux", "FEATURES": "a b",
    "CFLAGS": "-O2", "BUILD_DIR": "/var/tmp/portage/app-lab/caskcat-1.0-r1/work/build",
  ]
  var code = "src_install () \n{ \n    emake install\n}\n"
  var image: [GpkgFixture.Entry] = [
    .directory("image/usr"), .directory("image/usr/bin"),
    .file("image/usr/bin/caskcat", Array("#!/bin/sh\n".utf8), mode: 0o755),
    .symbolicLink("image/usr/bin/cc", to: "caskcat"),
  ]

  static let builtAt = Samples.now - Samples.day

  init(_ change: (inout BuiltPackage) -> Void = { _ in }) {
    change(&self)
  }

  /// The text of its environment.
  var environment: String {
    var text = ""
    for (name, value) in variables.sorted(by: { $0.key < $1.key }) {
      text += "declare -x \(name)=\"\(value)\"\n"
    }
    return text + code
  }

  func described(hostName: String = "") throws -> GpkgDescription {
    var fixture = GpkgFixture(metadata["PF"] ?? "", metadata: metadata, image: image)
    fixture.metadata["hello-1.0.ebuild"] = nil
    fixture.metadata["environment.bz2"] = GpkgFixture.bzip2(environment)
    return try Self.inspect(fixture.bytes(), hostName: hostName)
  }

  static func inspect(_ bytes: [UInt8], hostName: String = "") throws -> GpkgDescription {
    let file = FileManager.default.temporaryDirectory
      .appending(path: "larder-\(UUID().uuidString).gpkg.tar")
    try Data(bytes).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    return try GpkgInspector.inspect(path: file.path, hostName: hostName)
  }

  static func fixture(_ name: String, file: String = #filePath) -> URL {
    URL(filePath: file).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Fixtures/Trust/\(name)")
  }
}
