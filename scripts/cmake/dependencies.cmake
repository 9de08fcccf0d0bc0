# Imported targets for every library, one table of what was found, and one apt line for what was
# not. Nothing is downloaded here: scripts/setup.sh installs.

set(dependency_table "")
set(missing_packages "")

# mentor_dependency(NAME PACKAGE FOUND VERSION PATH): a line of the table, or a missing package.
macro(mentor_dependency name package found version path)
  set(is_found "${found}")  # if() takes a path for true only in a variable
  if(is_found)
    set(padded_name "${name}                    ")
    set(padded_version "${version}            ")
    string(SUBSTRING "${padded_name}" 0 20 padded_name)
    string(SUBSTRING "${padded_version}" 0 12 padded_version)
    string(APPEND dependency_table "\n     ${padded_name}${padded_version}${path}")
  else()
    list(APPEND missing_packages ${package})
  endif()
endmacro()

# read_version(RESULT HEADER PREFIX): from #define lines such as CV_VERSION_MAJOR 4
function(read_version result header prefix)
  file(STRINGS ${header} numbers REGEX "define ${prefix}_(MAJOR|MINOR|REVISION|PATCH) +[0-9]")
  list(TRANSFORM numbers REPLACE "[^0-9]+" "")
  list(JOIN numbers "." numbers)
  set(${result} ${numbers} PARENT_SCOPE)
endfunction()

include(libtorch)

find_package(yaml-cpp QUIET)
if(TARGET yaml-cpp::yaml-cpp AND NOT TARGET yaml-cpp)  # the name since 0.8
  add_library(yaml-cpp INTERFACE IMPORTED)
  target_link_libraries(yaml-cpp INTERFACE yaml-cpp::yaml-cpp)
endif()
mentor_dependency(yaml-cpp libyaml-cpp-dev "${yaml-cpp_FOUND}" "${yaml-cpp_VERSION}" "${yaml-cpp_DIR}")
find_package(fmt QUIET)
mentor_dependency(fmt libfmt-dev "${fmt_FOUND}" "${fmt_VERSION}" "${fmt_DIR}")
find_package(spdlog QUIET)
mentor_dependency(spdlog libspdlog-dev "${spdlog_FOUND}" "${spdlog_VERSION}" "${spdlog_DIR}")
find_package(nlohmann_json QUIET)
mentor_dependency(nlohmann-json nlohmann-json3-dev "${nlohmann_json_FOUND}"
                  "${nlohmann_json_VERSION}" "${nlohmann_json_DIR}")
find_package(CLI11 QUIET)
mentor_dependency(CLI11 libcli11-dev "${CLI11_FOUND}" "${CLI11_VERSION}" "${CLI11_DIR}")
find_package(CURL QUIET)
mentor_dependency(libcurl libcurl4-openssl-dev "${CURL_FOUND}" "${CURL_VERSION_STRING}"
                  "${CURL_LIBRARIES}")

find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
  pkg_check_modules(SENTENCEPIECE QUIET IMPORTED_TARGET sentencepiece)
  pkg_check_modules(UTF8PROC QUIET IMPORTED_TARGET libutf8proc)
  pkg_check_modules(WEBP QUIET IMPORTED_TARGET libwebp)
  pkg_check_modules(XXHASH QUIET libxxhash)  # its header is all that is used
else()
  list(APPEND missing_packages pkg-config)
endif()
mentor_dependency(SentencePiece libsentencepiece-dev "${SENTENCEPIECE_FOUND}"
                  "${SENTENCEPIECE_VERSION}" "${SENTENCEPIECE_LIBDIR}")
mentor_dependency(utf8proc libutf8proc-dev "${UTF8PROC_FOUND}" "${UTF8PROC_VERSION}"
                  "${UTF8PROC_LIBDIR}")
mentor_dependency(xxHash libxxhash-dev "${XXHASH_FOUND}" "${XXHASH_VERSION}"
                  "${XXHASH_INCLUDEDIR}")

# Pictures are decoded by the codec libraries themselves: OpenCV's imgcodecs prints damaged files'
# errors on stderr, fills missing pixels silently, and loads 120 shared libraries at every start.
find_package(JPEG QUIET)
mentor_dependency(libjpeg libjpeg-dev "${JPEG_FOUND}" "${JPEG_VERSION}" "${JPEG_LIBRARIES}")
find_package(PNG QUIET)
mentor_dependency(libpng libpng-dev "${PNG_FOUND}" "${PNG_VERSION_STRING}" "${PNG_LIBRARY}")
mentor_dependency(libwebp libwebp-dev "${WEBP_FOUND}" "${WEBP_VERSION}" "${WEBP_LIBDIR}")

# Debian keeps OpenCV's own CMake package in libopencv-dev, which brings in the whole of OpenCV and
# a desktop; two of its libraries are enough.
find_path(OPENCV_INCLUDE opencv2/core/version.hpp PATH_SUFFIXES opencv4 NO_CACHE)
set(opencv_version "")
if(OPENCV_INCLUDE)
  read_version(opencv_version ${OPENCV_INCLUDE}/opencv2/core/version.hpp CV_VERSION)
endif()
foreach(module core imgproc)
  find_library(opencv_library opencv_${module} NO_CACHE)
  mentor_dependency("OpenCV ${module}" libopencv-${module}-dev "${opencv_library}"
                    "${opencv_version}" "${opencv_library}")
  if(opencv_library)
    add_library(opencv_${module} SHARED IMPORTED)
    set_target_properties(opencv_${module} PROPERTIES IMPORTED_LOCATION ${opencv_library})
    target_include_directories(opencv_${module} SYSTEM INTERFACE ${OPENCV_INCLUDE})
  endif()
  unset(opencv_library)
endforeach()

# Headers only: LibTorch holds Gloo's code, but its wheel lacks Gloo's headers.
find_path(GLOO_INCLUDE gloo/transport/tcp/device.h NO_CACHE)
mentor_dependency("Gloo headers" libgloo-dev "${GLOO_INCLUDE}" "" "${GLOO_INCLUDE}")

if(MENTOR_BUILD_TESTS)
  find_package(GTest QUIET)
  mentor_dependency(GoogleTest "libgtest-dev;libgmock-dev" "${GTest_FOUND}" "${GTest_VERSION}"
                    "${GTest_DIR}")
  find_package(benchmark QUIET)
  mentor_dependency("Google Benchmark" libbenchmark-dev "${benchmark_FOUND}" "${benchmark_VERSION}"
                    "${benchmark_DIR}")
  include(GoogleTest)
endif()

if(missing_packages)
  list(JOIN missing_packages " " missing_packages)
  message(FATAL_ERROR "Libraries are missing: run scripts/setup.sh, or\n"
                      "  sudo apt-get install -y ${missing_packages}")
endif()

find_program(CCACHE ccache NO_CACHE)
mentor_dependency("ccache (optional)" "" TRUE "" "${CCACHE}")
if(CCACHE)
  # The sloppiness and -fpch-preprocess are what ccache asks for with precompiled headers; the base
  # directory lets clones in other folders share its entries.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE})
  add_compile_options($<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fpch-preprocess>)
endif()
find_program(MOLD mold NO_CACHE)
if(MOLD)
  include(CheckLinkerFlag)
  check_linker_flag(CXX -fuse-ld=mold MENTOR_LINKS_WITH_MOLD)
endif()
if(MOLD AND MENTOR_LINKS_WITH_MOLD)
  # Without RELRO: mold 1.10 (Debian 12) sometimes begins that segment at a page that is not mapped,
  # when the only thread-local is one of zeros, and the program does not start.
  add_link_options(-fuse-ld=mold LINKER:-z,norelro)
endif()
mentor_dependency("mold (optional)" "" TRUE "" "${MOLD}")

message(STATUS "mentor ${PROJECT_VERSION}: ${CMAKE_BUILD_TYPE}, ${CMAKE_CXX_COMPILER_ID} "
               "${CMAKE_CXX_COMPILER_VERSION}, with${dependency_table}")

# LibTorch and Debian's libraries must agree on the C++ ABI: better one sentence here than pages of
# undefined references later.
set(link_check_key "${torch_dir} ${CMAKE_CXX_COMPILER} ${OPENCV_INCLUDE} ${MENTOR_WITH_CUDA}")
if(NOT "${MENTOR_LINK_CHECK}" STREQUAL "${link_check_key}")
  set(link_check_sources ${CMAKE_CURRENT_LIST_DIR}/link_check.cpp)
  if(MENTOR_WITH_CUDA)
    list(APPEND link_check_sources ${CMAKE_CURRENT_LIST_DIR}/link_check_cuda.cpp)
  endif()
  try_compile(link_check_passed SOURCES ${link_check_sources}
              LINK_LIBRARIES mentor::torch yaml-cpp opencv_core opencv_imgproc
                             PkgConfig::SENTENCEPIECE
              CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON NO_CACHE
              OUTPUT_VARIABLE link_check_output)
  if(NOT link_check_passed)
    message(FATAL_ERROR
            "LibTorch, yaml-cpp, OpenCV and SentencePiece do not link into one program. LibTorch "
            "uses the C++11 ABI (_GLIBCXX_USE_CXX11_ABI=1): a library built with the old one, or "
            "CXXFLAGS that ask for it, give undefined references to std::string functions.\n"
            "${link_check_output}")
  endif()
  set(MENTOR_LINK_CHECK "${link_check_key}" CACHE INTERNAL "What the link check last passed with")
endif()
