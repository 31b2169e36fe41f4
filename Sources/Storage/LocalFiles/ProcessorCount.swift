internal import Glibc

/// How many processors this process may use.
enum ProcessorCount {
  /// 1 or more. A container's quota of time does not show in it.
  static var current: Int { max(sysconf(Int32(_SC_NPROCESSORS_ONLN)), 1) }
}
