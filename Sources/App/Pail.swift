@main
struct Pail {
  static func main() {}
}
